// The names of our chains: those that people and tools know from kube-proxy, and some more of the same kind.
// What is ours is recognised by them alone. KUBE-FIREWALL, KUBE-KUBELET-CANARY and KUBE-IPTABLES-HINT are a kubelet's.
import { hash } from 'node:crypto';

/** Chains that exist once per table. */
export const fixedChains = [
  'KUBE-SERVICES',
  'KUBE-EXTERNAL-SERVICES',
  'KUBE-NODEPORTS',
  'KUBE-MARK-MASQ',
  'KUBE-POSTROUTING',
  'KUBE-FORWARD',
  'KUBE-PROXY-FIREWALL',
  'KUBE-PROXY-CANARY',
  // From here on ours only.
  'KUBE-MARK-FOREIGN',
  'KUBE-OUTBOUND',
  'KUBE-LEAVING',
  'KUBE-CLUSTER-IPS',
  'KUBE-CLOSED-NODEPORTS',
  'KUBE-REFUSE',
  'KUBE-POLICY',
  'KUBE-POD-EGRESS',
  'KUBE-POD-INGRESS',
] as const;
export type FixedChain = (typeof fixedChains)[number];

/** SVC: all endpoints; SVL: local ones; EXT: clients of external addresses; FW: source ranges; SEP: one endpoint; HP: a host port. */
const kinds = ['SVC', 'SVL', 'EXT', 'FW', 'SEP', 'HP', 'EGR', 'ING'] as const;
export type ChainKind = (typeof kinds)[number];

const ours = new RegExp(`^KUBE-(${kinds.join('|')})-[A-Z2-7]{16}$`);
const isFixed: ReadonlySet<string> = new Set(fixedChains);

export const isOurChain = (name: string): boolean => isFixed.has(name) || ours.test(name);

/** A kube-proxy that was here has chains of the same names; these tell that it was us. They are never without rules. */
export const witnesses = { filter: 'KUBE-REFUSE', nat: 'KUBE-MARK-FOREIGN' } as const;

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The first 16 characters of base32(sha256(text)): 80 bits, as kube-proxy takes them (PROXY-45). */
function shortHash(text: string): string {
  const bytes = hash('sha256', text, 'buffer');
  let short = '';
  for (let bit = 0; bit < 80; bit += 5) short += alphabet[(bytes.readUInt16BE(bit >> 3) >> (11 - (bit & 7))) & 31];
  return short;
}

export const chainName = (kind: ChainKind, about: string): string => `KUBE-${kind}-${shortHash(about)}`;
