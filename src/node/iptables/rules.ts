// The small part of iptables that Fairlead speaks, as data. Words mean what iptables' words mean.
// Closed unions: a Match or Target that print.ts forgets does not compile. One set of tables per IP family.
import type { Family, Ref } from '../../kube/objects/meta.ts';

export const tableNames = ['filter', 'nat'] as const;
export type TableName = (typeof tableNames)[number];
/** Chains that the kernel calls; there our rules stand before everybody else's. */
export type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';

export type IptablesRules = Readonly<Record<Family, FamilyRules>>;
export type FamilyRules = Readonly<Record<TableName, IptablesTable>>;

export interface IptablesTable {
  /** In order, per hook; each jumps to a chain of ours, by which it is recognised. */
  readonly hooks: readonly HookRule[];
  /** Each after those it jumps to. */
  readonly chains: ReadonlyMap<string, IptablesChain>;
}

export interface HookRule {
  readonly hook: Hook;
  readonly rule: IptablesRule;
}

/** At most 28 characters of name. */
export interface IptablesChain {
  readonly name: string;
  readonly rules: readonly IptablesRule[];
}

export interface IptablesRule {
  readonly when: readonly IptablesMatch[];
  readonly then: Target;
  readonly comment?: string;
  readonly origin?: Ref;
}

export type IptablesMatch =
  /** An address, a prefix, or `first-last`. */
  | { readonly match: 'source' | 'destination'; readonly range: string; readonly negate?: boolean }
  /** With destination ports: at most 15 slots, a range `8000:8100` takes two. */
  | { readonly match: 'protocol'; readonly protocol: string; readonly ports?: readonly (number | string)[] }
  | { readonly match: 'ct state'; readonly states: readonly ('NEW' | 'RELATED' | 'ESTABLISHED' | 'INVALID' | 'DNAT')[] }
  | { readonly match: 'local source' | 'local destination' }
  | { readonly match: 'mark'; readonly bit: number; readonly negate?: boolean }
  /** True with this probability. */
  | { readonly match: 'chance'; readonly of: number }
  /** The source was remembered in this list within so many seconds. */
  | { readonly match: 'remembered'; readonly list: string; readonly seconds: number }
  /** Always true; the source is remembered from now on. */
  | { readonly match: 'remember'; readonly list: string };

export type Target =
  | { readonly do: 'accept' | 'drop' | 'return' | 'masquerade' }
  /** After a jump a chain's end leads back to the next rule; after a goto it leads to where this chain was called. */
  | { readonly do: 'jump' | 'goto'; readonly chain: string }
  | { readonly do: 'reject'; readonly with: 'tcp-reset' | 'port-unreachable' }
  | { readonly do: 'set mark' | 'flip mark'; readonly bit: number }
  | { readonly do: 'dnat'; readonly address: string; readonly port: number }
  | { readonly do: 'log'; readonly group: number; readonly prefix: string };
