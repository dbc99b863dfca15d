// The ruleset language: exactly the part of nftables that Fairlead uses, as data.
// Closed unions: a Match or Action that print() or evaluate() forgets does not compile.
// Words mean what nft's words mean. One table of family inet holds both IP families.
import type { Family, Ref } from '../../kube/objects/meta.ts';

export interface Ruleset {
  readonly table: string;
  readonly chains: ReadonlyMap<string, Chain>;
  readonly sets: ReadonlyMap<string, NftSet>;
}

export interface Chain {
  readonly name: string;
  /** Base chains only. */
  readonly hook?: {
    readonly type: 'filter' | 'nat';
    readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
    readonly priority: number;
    readonly policy: 'accept' | 'drop';
  };
  readonly rules: readonly Rule[];
}

export interface Rule {
  readonly when: readonly Match[];
  readonly then: Action;
  readonly origin?: Ref;
}

/** A key field: what is read from the packet, or a constant type in an element. */
export type Field =
  | 'ip saddr'
  | 'ip daddr'
  | 'ip6 saddr'
  | 'ip6 daddr'
  | 'meta l4proto'
  | 'th sport'
  | 'th dport'
  | 'meta mark'
  | 'iifname';

/**
 * How an element's field is typed; `number` is a mark: a 32-bit integer in host order. Random numbers go through the
 * mark, too: nft 1.0.6 takes a key with a numgen field, but then no further rule that asks such a map.
 */
export type FieldType = 'ipv4_addr' | 'ipv6_addr' | 'inet_proto' | 'inet_service' | 'ifname' | 'number';

/** One field of an element: an address, `10.0.0.0/8`, `tcp`, `80`, `8000-8100`, `eth0`, `3`. */
export type FieldValue = string | number;

export interface NftSet {
  readonly name: string;
  readonly type: 'set' | 'map' | 'vmap';
  readonly key: readonly FieldType[];
  /** map: type of the data; vmap carries verdicts instead. */
  readonly data?: readonly FieldType[];
  readonly interval?: boolean;
  /** Filled by packets (affinity): elements are not ours to list or diff. */
  readonly dynamic?: { readonly timeoutSeconds?: number; readonly size: number };
  readonly elements: Elements;
}

/**
 * By group, then by printed key (fields joined by ' . '). A group is what one cause contributes (a service port, a pod)
 * and keeps its identity while the cause does: a diff of 100,000 elements opens the changed groups only. An element is in
 * one group; what several causes have in common is a group of its own.
 */
export type Elements = ReadonlyMap<string, ElementGroup>;
export type ElementGroup = ReadonlyMap<string, Element>;

export interface Element {
  readonly key: readonly FieldValue[];
  readonly data?: readonly FieldValue[];
  readonly verdict?: VerdictAction;
  readonly origin?: Ref;
}

export type Match =
  | { readonly match: 'family'; readonly family: Family }
  | { readonly match: 'ct state'; readonly states: readonly ('new' | 'established' | 'related' | 'invalid')[] }
  | { readonly match: 'ct status dnat'; readonly is: boolean }
  | { readonly match: 'field'; readonly field: Field; readonly op: '==' | '!='; readonly value: FieldValue }
  | { readonly match: 'in set'; readonly fields: readonly Field[]; readonly set: string; readonly negate?: boolean }
  /** Mark bits: (mark & mask) == value. */
  | { readonly match: 'mark'; readonly mask: number; readonly value: number; readonly negate?: boolean }
  /** The destination is one of this machine's own addresses (fib daddr type local). */
  | { readonly match: 'local destination' }
  /** The source is one of this machine's own addresses: a process of this node speaks (fib saddr type local). */
  | { readonly match: 'local source'; readonly is: boolean }
  | { readonly match: 'limit'; readonly perSecond: number };

export type VerdictAction =
  | { readonly do: 'accept' }
  | { readonly do: 'drop' }
  | { readonly do: 'return' }
  | { readonly do: 'jump'; readonly chain: string }
  | { readonly do: 'goto'; readonly chain: string };

export type Action =
  | VerdictAction
  | { readonly do: 'reject'; readonly with: 'tcp reset' | 'port-unreachable' | 'admin-prohibited' }
  | { readonly do: 'vmap'; readonly fields: readonly Field[]; readonly map: string }
  /** mark = the map's value for the fields, then the verdict, if any; no entry: the rule does not match. */
  | { readonly do: 'set mark from map'; readonly fields: readonly Field[]; readonly map: string; readonly verdict?: VerdictAction }
  /** (mark & mask) | value */
  | { readonly do: 'set mark'; readonly mask: number; readonly value: number }
  /** mark = random number in [0, mod) */
  | { readonly do: 'set mark random'; readonly mod: number }
  /** Remembers key → mark for some seconds. An entry that exists is only refreshed: it keeps its old value (kernel 6.18). */
  | { readonly do: 'update map with mark'; readonly fields: readonly Field[]; readonly map: string; readonly timeoutSeconds: number }
  /** Takes the key out of a dynamic map. */
  | { readonly do: 'forget in map'; readonly fields: readonly Field[]; readonly map: string }
  | { readonly do: 'dnat to map'; readonly family: Family; readonly fields: readonly Field[]; readonly map: string }
  | { readonly do: 'dnat'; readonly family: Family; readonly address: string; readonly port: number }
  | { readonly do: 'masquerade' }
  | { readonly do: 'log'; readonly prefix: string; readonly group: number }
  | { readonly do: 'counter' };

/** The text that identifies an element in its set. */
export const printKey = (fields: readonly FieldValue[]): string => fields.join(' . ');

export function findElement(set: NftSet, key: string): Element | undefined {
  for (const group of set.elements.values()) {
    const element = group.get(key);
    if (element) return element;
  }
  return undefined;
}

/** Every element of every group, made for the asking where a group makes them so. */
export const elementsOf = ({ elements }: NftSet): Iterable<Element> => ({
  *[Symbol.iterator]() {
    for (const group of elements.values()) yield* group.values();
  },
});

export function countElements({ elements, dynamic }: NftSet): number {
  let count = 0;
  if (!dynamic) for (const group of elements.values()) count += group.size;
  return count;
}

/** Every element once, whichever group holds it. */
export function allElements(set: NftSet): Map<string, Element> {
  const all = new Map<string, Element>();
  for (const group of set.elements.values()) for (const [key, element] of group) all.set(key, element);
  return all;
}
