// Peers of a rule → addresses. A selector is resolved once per snapshot, however many policies use it,
// and its list keeps its identity while the same pods match. Serves rules.ts.
import { parsePrefix, printPrefix } from '../../base/net/prefix.ts';
import { type Labels, matchesSelector, selectorFault } from '../../kube/meaning/label-selector.ts';
import type { LabelSelector } from '../../kube/objects/meta.ts';
import type { NetworkPolicyPeer } from '../../kube/objects/networking.ts';
import type { IpBlock } from '../network-model.ts';
import { type PodDirectory, type PodFacts, keepList } from './pod-directory.ts';

/** Everything in one snapshot that selectors can point at. */
export interface Selectable {
  readonly pods: PodDirectory;
  /** Labels by namespace; a namespace that is not known matches no selector. */
  readonly namespaces: ReadonlyMap<string, Labels>;
}

/** The pods of one namespace that one selector means. */
export type SelectPods = (namespace: string, selector: LabelSelector) => readonly PodFacts[];

interface Remembered {
  readonly source: readonly PodFacts[];
  readonly found: readonly PodFacts[];
}

const noPods: readonly PodFacts[] = [];

/** Call once per snapshot; the answer shares what the last snapshot's selection found. */
export function createSelection(): (seen: Selectable) => SelectPods {
  let last = new Map<string, Remembered>();
  return ({ pods }) => {
    const previous = last;
    const current = new Map<string, Remembered>();
    last = current;
    return (namespace, selector) => {
      const source = pods.get(namespace) ?? noPods;
      if (isEverybody(selector)) return source;
      const key = `${namespace} ${selectorText(selector)}`;
      const known = current.get(key) ?? keepUp(previous.get(key), source, selector);
      current.set(key, known);
      return known.found;
    };
  };
}

function keepUp(old: Remembered | undefined, source: readonly PodFacts[], selector: LabelSelector): Remembered {
  if (old?.source === source) return old;
  const found = source.filter(({ labels }) => matchesSelector(selector, labels));
  return { source, found: keepList(old?.found, found) };
}

const isEverybody = ({ matchLabels, matchExpressions }: LabelSelector): boolean =>
  Object.keys(matchLabels ?? {}).length === 0 && (matchExpressions ?? []).length === 0;

const texts = new WeakMap<LabelSelector, string>();

function selectorText(selector: LabelSelector): string {
  const text = texts.get(selector) ?? JSON.stringify(selector);
  texts.set(selector, text);
  return text;
}

/** The lists of pods that one selector peer means: one list per namespace (NP-18: both selectors in one peer are an AND). */
export function peerPods(peer: NetworkPolicyPeer, home: string, seen: Selectable, select: SelectPods): readonly (readonly PodFacts[])[] {
  if (!peer.namespaceSelector) return peer.podSelector ? [select(home, peer.podSelector)] : [];
  const pods = peer.podSelector ?? {};
  const lists: (readonly PodFacts[])[] = [];
  for (const [namespace, labels] of seen.namespaces) {
    if (matchesSelector(peer.namespaceSelector, labels)) lists.push(select(namespace, pods));
  }
  return lists.filter((list) => list.length > 0);
}

/** What keeps a peer from being understood; it then permits nobody. */
export function peerFault(peer: NetworkPolicyPeer): string | undefined {
  if (peer.ipBlock && (peer.podSelector || peer.namespaceSelector)) return 'a peer may not have both an ipBlock and a selector';
  if (peer.ipBlock) return blockFault(peer.ipBlock);
  if (!peer.podSelector && !peer.namespaceSelector) return 'a peer names neither pods nor namespaces nor an ipBlock';
  return selectorFault(peer.podSelector) ?? selectorFault(peer.namespaceSelector);
}

/** An exception that cannot be read would open what it meant to close. */
function blockFault({ cidr, except = [] }: NonNullable<NetworkPolicyPeer['ipBlock']>): string | undefined {
  const bad = [cidr, ...except].find((text) => !parsePrefix(text));
  return bad === undefined ? undefined : `${bad} is not an address range`;
}

/** Only for peers without fault. */
export function ipBlockOf({ cidr, except }: NonNullable<NetworkPolicyPeer['ipBlock']>): IpBlock {
  const tidy = (text: string): string => {
    const prefix = parsePrefix(text);
    return prefix ? printPrefix(prefix) : text;
  };
  return except?.length ? { cidr: tidy(cidr), except: except.map(tidy) } : { cidr: tidy(cidr) };
}
