// Snapshot → the isolated pods of this node and what may reach, and be reached by, each of them.
// Missing information never opens a pod: what cannot be read isolates or permits nothing, and is reported.
import { deepEqual, keepIdentity, memoByIdentity, memoLast } from '../../base/data/memo.ts';
import { namespaceKind } from '../../kube/kinds/namespace.ts';
import { networkPolicyKind } from '../../kube/kinds/network-policy.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import { type Labels, matchesSelector } from '../../kube/meaning/label-selector.ts';
import type { Namespace, Pod } from '../../kube/objects/core.ts';
import type { Ref } from '../../kube/objects/meta.ts';
import type { NetworkPolicy } from '../../kube/objects/networking.ts';
import { type Snapshot, keyOf } from '../../kube/store/store.ts';
import type { Permits, PodPolicy, Problem, Scope } from '../network-model.ts';
import { createSelection } from './peers.ts';
import { type PodFacts, createPodDirectory } from './pod-directory.ts';
import { type ReadPolicy, readPolicy } from './read-policy.ts';
import { type PermitFor, createPermits } from './rules.ts';

export interface CompiledPolicies {
  readonly policies: ReadonlyMap<string, PodPolicy>;
  readonly problems: readonly Problem[];
}

export function createPolicyCompiler(scope: Scope): (seen: Snapshot) => CompiledPolicies {
  const directory = createPodDirectory();
  const selection = createSelection();
  const permits = createPermits();
  const read = memoByIdentity(readPolicy);
  let last: CompiledPolicies | undefined;
  const compile = memoLast((objects: readonly NetworkPolicy[], pods: readonly Pod[], spaces: readonly Namespace[]): CompiledPolicies => {
    const selectable = { pods: directory(pods), namespaces: labelsOf(spaces) };
    const policies = objects.map((object) => read(object));
    const permitFor = permits(selectable, selection(selectable));
    const here = [...selectable.pods.values()].flat().filter(({ node }) => node !== undefined && node === scope.node);
    const fresh = new Map<string, PodPolicy>();
    for (const pod of here) {
      const policy = isolate(pod, policies, permitFor);
      if (policy) fresh.set(keyOf(pod.pod.name, pod.namespace), policy);
    }
    const problems = policies.flatMap((policy) => policy.problems);
    last = { policies: keepIdentity(last?.policies, fresh), problems: deepEqual(last?.problems, problems) ? (last?.problems ?? []) : problems };
    return last;
  });
  return (seen) => compile(seen.list(networkPolicyKind), seen.list(podKind), seen.list(namespaceKind));
}

/** Every namespace carries its own name as a label, whether or not the API server has written it yet (NP-34). */
const labelsOf = (spaces: readonly Namespace[]): ReadonlyMap<string, Labels> =>
  new Map(spaces.map(({ metadata: { name, labels } }) => [name, { ...labels, 'kubernetes.io/metadata.name': name }]));

function isolate(pod: PodFacts, policies: readonly ReadPolicy[], permitFor: PermitFor): PodPolicy | undefined {
  const mine = policies.filter(({ namespace, selects }) => namespace === pod.namespace && matchesSelector(selects, pod.labels));
  const direction = (way: 'ingress' | 'egress'): { permits: Permits; by: Ref[] } => {
    const isolating = mine.filter((policy) => policy[way]);
    if (isolating.length === 0) return { permits: 'open', by: [] };
    const rules = isolating.flatMap((policy) => policy[way] ?? []);
    return { permits: rules.flatMap((rule) => permitFor(rule, pod) ?? []), by: isolating.map(({ origin }) => origin) };
  };
  const ingress = direction('ingress');
  const egress = direction('egress');
  if (ingress.permits === 'open' && egress.permits === 'open') return undefined;
  return {
    pod: pod.pod,
    ips: pod.ips,
    ingress: ingress.permits,
    egress: egress.permits,
    isolatedBy: { ingress: ingress.by, egress: egress.by },
  };
}
