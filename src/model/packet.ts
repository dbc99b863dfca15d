// The first packet of a connection, and what becomes of it: the common tongue of the three judges
// (model, ruleset evaluator, kernel).
import type { Family, Protocol, Ref } from '../kube/objects/meta.ts';

export interface Packet {
  readonly family: Family;
  readonly protocol: Protocol | 'ICMP';
  readonly source: string;
  /** 0 where it does not matter. */
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
}

/** Where a packet enters the network: a pod's interface, a process on a node, or a machine outside. */
export type From =
  | { readonly type: 'pod'; readonly pod: Ref; readonly node: string }
  | { readonly type: 'node'; readonly node: string }
  | { readonly type: 'outside'; readonly arrivesAt: string };

export type Stage = 'resolve' | 'service' | 'egress policy' | 'route' | 'ingress policy' | 'deliver';

export interface Hop {
  readonly node: string;
  readonly at: Stage;
  /** One sentence in the past tense: `DNAT to 10.244.1.2:8080 (web-1), one of 2 endpoints`. */
  readonly did: string;
  /** As it left this hop. */
  readonly packet: Packet;
  readonly because?: Ref;
}

export type Verdict = 'delivered' | 'dropped' | 'rejected' | 'unroutable';

export interface Trace {
  readonly hops: readonly Hop[];
  readonly verdict: Verdict;
  /** The pod or node that receives it. */
  readonly to?: Ref;
  /** Source address was rewritten on the way. */
  readonly masqueraded: boolean;
}

/** A random choice has several outcomes; all of them, each with its chance (sums to 1). */
export interface Outcome {
  readonly chance: number;
  readonly trace: Trace;
}
