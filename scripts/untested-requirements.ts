// `node scripts/untested-requirements.ts SPEC-FOLDER [EPS | SVC-41…114 …]`: the numbered requirements that no test names.
// The folder's Markdown defines them as `**SVC-41** sentence`; an id counts where a test, a title built in one, or a
// scenario names it, alone or within a range (`SVC-74 … SVC-76`). A name proves nothing: it says where to look.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const home = dirname(import.meta.dirname);
const [folder, ...asked] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: node scripts/untested-requirements.ts SPEC-FOLDER [EPS | SVC-41…114 …]');
  process.exit(2);
}

const readAll = (patterns: string[], cwd: string): string[] => globSync(patterns, { cwd }).toSorted().map((path) => readFileSync(join(cwd, path), 'utf8'));
const parts = (id: string): [prefix: string, number: number] => [id.split('-')[0]!, Number(id.split('-')[1])];
const range = /\b([A-Z]{2,5})-(\d{2,3})(?:\s*(?:…|\.\.\.?|to)\s*(?:\1-)?(\d{2,3}))?/g;

/** `EPS-29…34` is six ids. */
function idsIn(text: string): string[] {
  return [...text.matchAll(range)].flatMap(([, prefix, first, last]) =>
    Array.from({ length: Math.max(1, Number(last ?? first) - Number(first) + 1) }, (_, i) => `${prefix}-${String(Number(first) + i).padStart(2, '0')}`),
  );
}

const isAsked = (id: string): boolean =>
  asked.length === 0 || asked.some((one) => (one.includes('-') ? idsIn(one).includes(id) : parts(id)[0] === one));

const named = new Set(readAll(['{src,test}/**/*.test.ts', 'test/**/*.{go,yaml}'], home).flatMap(idsIn));
const defined = new Map<string, string>();
for (const text of readAll(['**/*.md'], folder)) {
  for (const [, id, sentence] of text.matchAll(/\*\*([A-Z]{2,5}-\d{2,3})\*\*\s*(.*)/g)) if (!defined.has(id!)) defined.set(id!, sentence!);
}

const wanted = [...defined.keys()].filter(isAsked);
const missing = wanted.filter((id) => !named.has(id));
for (const id of missing) console.log(`${id.padEnd(9)} ${defined.get(id)!.slice(0, 110)}`);
console.log(`${wanted.length - missing.length} of ${wanted.length} requirements are named by a test, ${missing.length} by none`);
