// The words of the evaluator: a packet under way, and the ways it can go on.
import type { Packet } from '../../model/packet.ts';
import type { Action, Chain, NftSet, Rule, Ruleset } from './ruleset.ts';

/** What the evaluator must know of the machine besides its rules. */
export interface Machine {
  /** One of the machine's own addresses (fib type local); loopback included. */
  isLocal(address: string): boolean;
  /** The source that masquerade would write; absent: the source stays as it was and only `masqueraded` tells. */
  masqueradeAs?(packet: Packet): string;
}

/** Dynamic maps: by map and key, what is remembered until when. */
export type Memory = ReadonlyMap<string, { readonly mark: number; readonly until: number }>;

export type Hook = NonNullable<Chain['hook']>['hook'];
export type Reject = Extract<Action, { do: 'reject' }>['with'];

/** A rule that acted on the packet. */
export interface Step {
  readonly hook: Hook;
  readonly chain: string;
  readonly rule: Rule;
  /** The packet after it. */
  readonly packet: Packet;
}

/** Immutable: a random choice continues from one state in several directions. */
export interface State {
  readonly ruleset: Ruleset;
  readonly machine: Machine;
  readonly hook: Hook;
  readonly packet: Packet;
  readonly iifname: string | undefined;
  readonly connection: 'new' | 'established' | 'related' | 'invalid';
  readonly now: number;
  readonly memory: Memory;
  readonly mark: number;
  readonly translated: boolean;
  readonly masqueraded: boolean;
  readonly chance: number;
  readonly steps: readonly Step[];
}

export interface Branch {
  readonly state: State;
  /** next: the following rule; return: the caller's next rule, or the policy in a base chain. */
  readonly end: 'next' | 'return' | 'accept' | 'drop' | 'reject';
  readonly rejection?: Reject;
}

export function setNamed({ ruleset }: State, name: string): NftSet {
  const set = ruleset.sets.get(name);
  if (!set) throw new Error(`set ${name} does not exist`);
  return set;
}
