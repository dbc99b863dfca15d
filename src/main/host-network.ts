// What this machine's own network says to a cluster that is about to be built on it. Loaded only where one is.
import { familyOf } from '../base/net/address.ts';
import { findConflicts, findMistakes, freeSubnet } from '../node/machine/description.ts';
import { readHostRoutes } from '../node/machine/machine.ts';
import { hostLinkName } from '../node/machine/names.ts';
import type { ClusterDescription } from '../ui/config/cluster-description.ts';
import type { Obstacles } from '../ui/cli/parts.ts';
import { machineOf } from './machine-of.ts';

/** The cluster's own link, left behind by a crash, is no conflict. */
export function findObstacles(description: ClusterDescription): Obstacles {
  const machine = machineOf(description);
  const mistakes = findMistakes(machine);
  return { mistakes, conflicts: mistakes.length > 0 ? [] : findConflicts(machine, readHostRoutes(), hostLinkName(description.name)) };
}

/** The first free sub-prefix of `range` that is neither routed nor one of `taken`. */
export const freeNodeRange = (range: string, length: number, taken: readonly string[]): string | undefined =>
  freeSubnet(range, length, [...readHostRoutes(), ...taken.map((prefix) => ({ prefix }))].filter(({ prefix }) => familyOf(prefix) === familyOf(range)));
