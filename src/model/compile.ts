// The table of contents of the model: Snapshot → NetworkModel. The only place where the rooms meet.
//
//   Services, EndpointSlices ──▶ services/ ──▶ services
//                                    └─ balanced addresses ─┐
//   Nodes ─────────────────────▶ nodes/ ◀───────────────────┘ ──▶ self
//   Pods, Services, self ──────▶ services/ ──▶ hostPorts
//   Pods, NetworkPolicies ─────▶ policies/ ──▶ policies
//   Services, slices ──────────▶ names/ ──▶ names
//   Ingresses, Services, slices ─▶ routes/ ──▶ listeners
//
// Promise: the answer depends on the snapshot and the scope alone. What a compiler remembers changes only
// how long the answer takes, and lets unchanged parts keep their identity.
import { deepEqual, memoLast } from '../base/data/memo.ts';
import { hostPrefix } from '../base/net/prefix.ts';
import { nodeKind } from '../kube/kinds/node.ts';
import type { Snapshot } from '../kube/store/store.ts';
import { createNameCompiler } from './names/compile-names.ts';
import { type NetworkModel, primaryAddresses, type Problem, type Ranges, type Scope } from './network-model.ts';
import { announcers } from './nodes/announcers.ts';
import { createNodeViewCompiler, ipOfFamily } from './nodes/node-view.ts';
import { createPolicyCompiler } from './policies/compile-policies.ts';
import { compileListeners } from './routes/compile-listeners.ts';
import { balancedAddresses } from './services/balanced-addresses.ts';
import { createServiceCompiler } from './services/compile-services.ts';
import { createHostPortCompiler } from './services/host-ports.ts';

/** A compiler remembers by identity what it compiled last; its answers depend on the snapshot and scope alone. */
export type Compiler = (seen: Snapshot) => NetworkModel;

/** Servers without Ingress duties share one empty map, so that readers see no change. */
const noListeners: NetworkModel['listeners'] = new Map();

export function createCompiler(scope: Scope): Compiler {
  const compileServices = createServiceCompiler(scope);
  const compileHostPorts = createHostPortCompiler(scope);
  const compilePolicies = createPolicyCompiler(scope);
  const compileNames = createNameCompiler(scope);
  const compileNodeView = createNodeViewCompiler(scope.node);
  const addressesOf = keepEqual(memoLast(balancedAddresses));
  const whoAnnounces = memoLast(announcers);
  const keepProblems = keepEqual((problems: readonly Problem[]) => problems);
  const rangesOf = keepEqual(memoLast((ips: readonly string[]) => rangesFor(scope, ips)));
  return (seen) => {
    const { services, balanced, problems: serviceProblems } = compileServices(seen);
    const { policies, problems: policyProblems } = compilePolicies(seen);
    const { listeners, problems: listenerProblems } = compileListeners(seen, scope);
    const nodes = seen.list(nodeKind);
    let names: NetworkModel['names'] | undefined;
    const announced = whoAnnounces(addressesOf(balanced), nodes);
    const self = compileNodeView(nodes, ownAddresses(announced, scope.node));
    const { hostPorts, problems: hostPortProblems } = compileHostPorts(seen, self.ips);
    return {
      revision: seen.revision,
      self,
      ranges: rangesOf(self.ips),
      services,
      hostPorts,
      policies,
      // Made when somebody asks: a node's agent compiles at every change of 10,000 Services and never does.
      get names() {
        return (names ??= compileNames(seen));
      },
      listeners: listeners.size === 0 ? noListeners : listeners,
      problems: keepProblems([...serviceProblems, ...hostPortProblems, ...policyProblems, ...listenerProblems]),
    };
  };
}

function rangesFor({ podCIDRs, serviceCIDRs, nodePortAddresses = [], keepsPodSources, keepsSourceOf }: Scope, ips: readonly string[]): Ranges {
  const primary = ([4, 6] as const).flatMap((family) => ipOfFamily(ips, family) ?? []).map(hostPrefix);
  // Loopback never answers: a node that is not known yet has no node ports, instead of all.
  const chosen = nodePortAddresses[0] === primaryAddresses ? [...primary, '127.0.0.1/32'] : nodePortAddresses;
  return { podCIDRs, serviceCIDRs, nodePortAddresses: chosen, ...(keepsPodSources && { keepsPodSources: true }), ...(keepsSourceOf && { keepsSourceOf }) };
}

const ownAddresses = (announced: ReadonlyMap<string, string>, self: string | undefined): readonly string[] =>
  [...announced].flatMap(([address, node]) => (node === self ? [address] : []));

/** The last answer again when the new one is equal to it. */
function keepEqual<A extends unknown[], R>(compute: (...args: A) => R): (...args: A) => R {
  let last: R | undefined;
  return (...args) => {
    const fresh = compute(...args);
    last = last !== undefined && deepEqual(last, fresh) ? last : fresh;
    return last;
  };
}
