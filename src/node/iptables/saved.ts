// Reads what iptables-save prints, as far as it is ours. Serves the driver's first look, its check and its removal.
import { isOurChain } from './chain-names.ts';
import { type TableName, tableNames } from './rules.ts';

export interface SavedTable {
  /** Lines of foreign chains that lead into ours. */
  readonly hookRules: readonly string[];
  /** Our chains and how many rules each has. */
  readonly ruleCounts: ReadonlyMap<string, number>;
}

export type Saved = Readonly<Record<TableName, SavedTable>>;

const targetOf = (line: string): string => / -[jg] (\S+)/.exec(line.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""'))?.[1] ?? '';

function readTable(lines: readonly string[]): SavedTable {
  const ruleCounts = new Map<string, number>();
  const hookRules: string[] = [];
  for (const line of lines) {
    const [word = '', name = ''] = line.split(' ', 2);
    if (word.startsWith(':') && isOurChain(word.slice(1))) ruleCounts.set(word.slice(1), 0);
    if (word !== '-A') continue;
    if (isOurChain(name)) ruleCounts.set(name, (ruleCounts.get(name) ?? 0) + 1);
    else if (isOurChain(targetOf(line))) hookRules.push(line);
  }
  return { hookRules, ruleCounts };
}

export function readSaved(text: string): Saved {
  const sections = new Map<string, string[]>(tableNames.map((name) => [name, []]));
  let section: string[] | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) section = sections.get(line.slice(1));
    else section?.push(line);
  }
  return { filter: readTable(sections.get('filter')!), nat: readTable(sections.get('nat')!) };
}
