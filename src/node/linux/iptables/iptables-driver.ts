// The driver for nodes whose tools expect iptables: one `iptables-restore --noflush` per family and change, holding the
// chains that differ. What is ours is recognised by chain names; after a failure the next apply looks and replaces all.
// For iptables over nf_tables, as Debian has it; the check asks nf_tables.
import type { Family } from '../../../kube/objects/meta.ts';
import { diffTables, sameHooks } from '../../iptables/diff.ts';
import { witnesses } from '../../iptables/chain-names.ts';
import { printChanges, printReplacement } from '../../iptables/print.ts';
import { type FamilyRules, type IptablesRules, type IptablesTable, type TableName, tableNames } from '../../iptables/rules.ts';
import { readSaved, type Saved } from '../../iptables/saved.ts';
import type { Netns } from '../../netlink/namespaces.ts';
import type { Applied, Driver } from '../driver.ts';
import { openNftLook } from '../look/nft-look.ts';
import { createWriteCounter } from '../look/write-counter.ts';
import { runProgram } from '../run-nft.ts';

const name = 'iptables';
const families = [4, 6] as const;
const programs = { 4: 'iptables', 6: 'ip6tables' } as const;

const empty: IptablesTable = { hooks: [], chains: new Map() };
const nothing: FamilyRules = { filter: empty, nat: empty };

const sizeOf = (tables: FamilyRules): number => tableNames.reduce((sum, table) => sum + tables[table].chains.size, 0);

/** Cheap: are there rules that we have made? Runs no program. */
export function holdsIptablesRules(namespace: Netns): boolean {
  const look = openNftLook(namespace);
  try {
    return (['ip', 'ip6'] as const).some((family) => tableNames.some((table) => look.ruleCounts(table, family).has(witnesses[table])));
  } finally {
    look.close();
  }
}

interface Change {
  readonly script: string;
  readonly changes: number;
}

const rulesIn = ({ hooks, chains }: IptablesTable): number => [...chains.values()].reduce((sum, { rules }) => sum + rules.length, hooks.length);

/** Lines that add a rule, by table. */
function rulesWritten(scripts: readonly string[], table: TableName): number {
  const sections = scripts.flatMap((script) => script.split(/^(?=\*)/m)).filter((section) => section.startsWith(`*${table}\n`));
  return sections.reduce((sum, section) => sum + [...section.matchAll(/^-[AI] /gm)].length, 0);
}

function changeBetween(old: FamilyRules, now: FamilyRules, family: Family): Change {
  const diffs = tableNames.map((table) => ({ table, diff: diffTables(old[table], now[table], family) }));
  return {
    script: diffs.map(({ table, diff }) => printChanges(table, family, diff)).join(''),
    changes: diffs.reduce((sum, { diff }) => sum + diff.write.length + diff.remove.length, 0),
  };
}

/** filter before nat: a pod is isolated before a Service leads to it. */
function replacementOf(now: FamilyRules, found: Saved, family: Family): Change {
  const script = tableNames.map((table) => printReplacement(table, family, { wish: now[table], found: found[table] })).join('');
  return { script, changes: script === '' ? 0 : Math.max(1, sizeOf(now)) };
}

/** As many rules in each chain of ours as there should be, and as many ways into them. */
const isWhole = (wish: FamilyRules, found: Saved): boolean =>
  tableNames.every((table) => {
    const { hooks, chains } = wish[table];
    const { hookRules, ruleCounts } = found[table];
    return hookRules.length === hooks.length && [...chains.values()].every((chain) => ruleCounts.get(chain.name) === chain.rules.length);
  });

const commitsIn = (script: string): number => script.split('\nCOMMIT\n').length - 1;

export function createIptablesDriver(namespace: Netns): Driver<IptablesRules> {
  let inKernel: IptablesRules | undefined;
  const counter = createWriteCounter();
  const save = async (family: Family): Promise<Saved> => readSaved(await runProgram(name, namespace, [`${programs[family]}-save`], ''));

  async function restore(family: Family, script: string): Promise<void> {
    if (script === '') return;
    counter.wrote(commitsIn(script));
    await runProgram(name, namespace, [`${programs[family]}-restore`, '--noflush', '--wait', '5'], script);
  }

  async function bring(family: Family, wish: FamilyRules): Promise<Change> {
    const old = inKernel?.[family];
    const change = old && sameHooks(old, wish) ? changeBetween(old, wish, family) : replacementOf(wish, await save(family), family);
    await restore(family, change.script);
    return change;
  }

  return {
    name,
    async apply(desired): Promise<Applied> {
      const start = performance.now();
      try {
        const brought = await Promise.all(families.map((family) => bring(family, desired[family])));
        inKernel = desired;
        const scripts = brought.map(({ script }) => script);
        const rules = tableNames.map((table) => [table, { total: families.reduce((sum, family) => sum + rulesIn(desired[family][table]), 0), written: rulesWritten(scripts, table) }] as const);
        return { changes: brought[0]!.changes + brought[1]!.changes, tookMs: performance.now() - start, rules: Object.fromEntries(rules) };
      } catch (error) {
        inKernel = undefined;
        throw error;
      }
    },
    async check() {
      const wish = inKernel;
      if (!wish || !counter.isForeign(generationOf(namespace))) return true;
      const found = await Promise.all(families.map(save));
      if (families.every((family, i) => isWhole(wish[family], found[i]!))) return true;
      inKernel = undefined;
      return false;
    },
    async remove() {
      inKernel = undefined;
      // Not what a kube-proxy has made, even though its chains are called the same.
      if (!holdsIptablesRules(namespace)) return;
      for (const family of families) {
        await restore(family, replacementOf(nothing, await save(family), family).script);
      }
    },
  };
}

function generationOf(namespace: Netns): number {
  const look = openNftLook(namespace);
  try {
    return look.generation();
  } finally {
    look.close();
  }
}
