// What one wish has that another has not, chain by chain. Serves the iptables driver: an endpoint's change costs the
// chains of its Service only (PROXY-55).
import type { Family } from '../../kube/objects/meta.ts';
import { printChain, type TableChanges } from './print.ts';
import type { FamilyRules, IptablesChain, IptablesTable } from './rules.ts';
import { tableNames } from './rules.ts';

const sameRules = (a: IptablesChain, b: IptablesChain, family: Family): boolean =>
  a === b || a.rules === b.rules || (a.rules.length === b.rules.length && printChain(a, family) === printChain(b, family));

export function diffTables(old: IptablesTable, now: IptablesTable, family: Family): TableChanges {
  if (old === now) return { write: [], remove: [] };
  const write = [...now.chains.values()].filter((chain) => {
    const before = old.chains.get(chain.name);
    return !before || !sameRules(before, chain, family);
  });
  return { write, remove: [...old.chains.keys()].filter((name) => !now.chains.has(name)) };
}

/** The kernel's own chains are brought as a whole or not at all: they belong to others, too. */
export const sameHooks = (old: FamilyRules, now: FamilyRules): boolean => tableNames.every((name) => old[name].hooks === now[name].hooks);
