// Where our rules meet a packet: every base chain with its hook, order and reason. Read top to bottom = packet order.
//
//   link ──▶ nat-prerouting ──▶ routing ──▶ egress ──▶ ingress ──▶ nat-postrouting ──▶ link
//   process ──▶ nat-output ────────────────────────────────────────▶ nat-postrouting ──▶ link
//
// Input and output are never filtered: a node and its own pods always reach each other (NP-10), and a process of the
// node is nobody's business but the receiving node's.
import type { Chain, Rule } from '../nft/ruleset.ts';

const dstnat = -100;
const srcnat = 100;
const filter = 0;

const hooks = {
  /** At the usual place of destination NAT, so that all that follows (routing, policy) sees the endpoint (NP-52). */
  'nat-prerouting': { type: 'nat', hook: 'prerouting', priority: dstnat },
  /** The node's own connections to Services. The kernel routes again afterwards. */
  'nat-output': { type: 'nat', hook: 'output', priority: dstnat },
  /** Before ingress, for no other reason than that a packet leaves one pod before it enters another. */
  egress: { type: 'filter', hook: 'forward', priority: filter - 10 },
  /** Accept in egress does not skip this chain: that is how the two directions compose (NP-08). */
  ingress: { type: 'filter', hook: 'forward', priority: filter - 5 },
  /** Last: policy must see the client's own address. */
  'nat-postrouting': { type: 'nat', hook: 'postrouting', priority: srcnat },
} as const;

export type HookName = keyof typeof hooks;

/** Policy is always accept: what we do not know is not ours to stop. */
export const baseChain = (name: HookName, rules: readonly Rule[]): Chain => ({
  name,
  hook: { ...hooks[name], policy: 'accept' },
  rules,
});
