// All isolated pods of this node → the policy part of the ruleset. Pods under one policy share its peer sets by name.
import { deepEqual, memoLast } from '../../base/data/memo.ts';
import type { PodPolicy } from '../../model/network-model.ts';
import type { Chain, Element, NftSet } from '../nft/ruleset.ts';
import { podMap, renderPolicy, type RenderedPolicy } from './policies.ts';

export interface RenderedPolicies {
  readonly sets: readonly NftSet[];
  readonly chains: readonly Chain[];
}

/** Same name, other content: cannot be shared. Identity first, because large peer lists are compared for every pod. */
const clashes = (sets: ReadonlyMap<string, NftSet>, rendered: RenderedPolicy): boolean =>
  rendered.sets.some((set) => {
    const other = sets.get(set.name);
    return other !== undefined && other !== set && !sameElements(other, set);
  });

const sameElements = (a: NftSet, b: NftSet): boolean =>
  a.elements.get('') === b.elements.get('') || deepEqual(a.elements, b.elements);

const maps = (['ingress', 'egress'] as const).flatMap((direction) => [podMap(direction, 4), podMap(direction, 6)]);

function render(policies: ReadonlyMap<string, PodPolicy>): RenderedPolicies {
  const sets = new Map<string, NftSet>();
  const chains: Chain[] = [];
  const groups = new Map(maps.map(({ name }) => [name, new Map<string, Map<string, Element>>()]));
  for (const [key, policy] of policies) {
    const shared = renderPolicy(policy, false);
    const rendered = clashes(sets, shared) ? renderPolicy(policy, true) : shared;
    for (const set of rendered.sets) if (!sets.has(set.name)) sets.set(set.name, set);
    chains.push(...rendered.chains);
    for (const { map, element } of rendered.entries) {
      const group = groups.get(map)!;
      if (!group.has(key)) group.set(key, new Map());
      group.get(key)!.set(String(element.key[0]), element);
    }
  }
  const podMaps = maps.map((shape): NftSet => ({ ...shape, elements: groups.get(shape.name)! }));
  return { sets: [...podMaps, ...sets.values()], chains };
}

export const createPolicyRenderer = (): ((policies: ReadonlyMap<string, PodPolicy>) => RenderedPolicies) => memoLast(render);
