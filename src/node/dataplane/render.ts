// NetworkModel → Ruleset: the whole of what one node's kernel is told about packets, in one table.
// The answer depends on the model alone; the renderer remembers by identity, so that one change costs one change.
import { memoLast } from '../../base/data/memo.ts';
import type { NetworkModel } from '../../model/network-model.ts';
import type { Chain, Ruleset } from '../nft/ruleset.ts';
import { policyHooks } from './policies.ts';
import { rangeSets } from './ranges.ts';
import { createPolicyRenderer, type RenderedPolicies } from './render-policies.ts';
import { createServiceRenderer } from './render-services.ts';
import { serviceChains } from './service-chains.ts';

export const TABLE = 'fairlead';

const byName = <T extends { readonly name: string }>(...lists: (readonly T[])[]): ReadonlyMap<string, T> =>
  new Map(lists.flat().map((item) => [item.name, item]));

/** Chains by name, regular ones before the base chains that lead to them. */
const joinChains = (classes: readonly Chain[], policies: RenderedPolicies): ReadonlyMap<string, Chain> =>
  byName(classes, policies.chains, serviceChains, policyHooks);

export function createRenderer(): (model: NetworkModel) => Ruleset {
  const services = createServiceRenderer();
  const policies = createPolicyRenderer();
  const ranges = memoLast(rangeSets);
  const chains = memoLast(joinChains);
  return (model) => {
    const served = services(model.services, model.hostPorts);
    const guarded = policies(model.policies);
    return {
      table: TABLE,
      sets: byName(ranges(model.self, model.ranges), served.sets, guarded.sets),
      chains: chains(served.chains, guarded),
    };
  };
}
