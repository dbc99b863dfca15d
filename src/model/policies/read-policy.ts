// A NetworkPolicy as written → with its defaults filled in and its faults taken out and reported.
// Serves compile-policies.ts, which reads each object once.
import { selectorFault } from '../../kube/meaning/label-selector.ts';
import type { LabelSelector, Ref } from '../../kube/objects/meta.ts';
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../kube/objects/networking.ts';
import type { Problem } from '../network-model.ts';
import { type Rule, readRule } from './rules.ts';

export interface ReadPolicy {
  readonly origin: Ref;
  readonly namespace: string;
  readonly selects: LabelSelector;
  /** Absent = does not isolate in that direction. */
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
  readonly problems: readonly Problem[];
}

interface Written {
  readonly peers: NetworkPolicyPeer[] | undefined;
  readonly ports: NetworkPolicyPort[] | undefined;
}

export function readPolicy({ metadata, spec = {} }: NetworkPolicy): ReadPolicy {
  const origin: Ref = { kind: 'NetworkPolicy', namespace: metadata.namespace, name: metadata.name };
  const namespace = metadata.namespace ?? '';
  const problems: Problem[] = [];
  const report = (message: string) => problems.push({ about: origin, reason: 'PolicyEntryIgnored', message });
  const read = (direction: Rule['direction'], rules: readonly Written[] = []): readonly Rule[] =>
    rules.map(({ peers, ports }) => readRule({ origin, namespace, direction }, peers, ports, report));
  const types = policyTypes(spec);
  const fault = selectorFault(spec.podSelector);
  if (fault) problems.push({ about: origin, reason: 'PodSelectorUnreadable', message: `${fault}; every pod of the namespace is isolated` });
  return {
    origin,
    namespace,
    selects: (!fault && spec.podSelector) || {},
    ...(types.includes('Ingress') ? { ingress: read('ingress', spec.ingress?.map(({ from, ports }) => ({ peers: from, ports }))) } : {}),
    ...(types.includes('Egress') ? { egress: read('egress', spec.egress?.map(({ to, ports }) => ({ peers: to, ports }))) } : {}),
    problems,
  };
}

/** Left out: Ingress always, Egress only with egress rules (NP-14). */
function policyTypes({ policyTypes, egress }: NonNullable<NetworkPolicy['spec']>): readonly string[] {
  if (policyTypes?.length) return policyTypes;
  return egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
}
