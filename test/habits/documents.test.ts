// Documents are true: references equal what the code says, links lead somewhere, named files and functions exist,
// every verb and every room is told of. Commands in README and guides are run by test/e2e/readme.test.ts.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { referencePages } from '../../scripts/generate-reference.ts';
import { commandLine } from '../../scripts/reference/commands-page.ts';
import { anchorsOf, documents, linksOf, readDocument } from './documents.ts';
import { home } from './source-tree.ts';

for (const [path, text] of await referencePages()) {
  test(`${path} says what the code says (if not, run: node scripts/generate-reference.ts)`, () => assert.equal(readDocument(path), text));
}

test('every command is in README or a guide', () => {
  const told = documents().filter((path) => path === 'README.md' || path.startsWith('docs/guides/')).map(readDocument).join('\n');
  const untold = commandLine().commands.map((verb) => verb.name()).filter((verb) => !told.includes(`fairlead ${verb}`));
  assert.deepEqual(untold, []);
});

for (const path of documents()) {
  test(`every relative link of ${path} leads to a file and a heading`, () => {
    const broken = linksOf(readDocument(path)).filter((link) => {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : normalize(join(dirname(path), file));
      if (!existsSync(join(home, target))) return true;
      return anchor !== undefined && !anchorsOf(readDocument(target)).includes(anchor);
    });
    assert.deepEqual(broken, []);
  });
}

const isPath = /^(src|test|scripts|docs|examples)\/[\w./-]*$/;
const inBackticks = (text: string): string[] => [...text.matchAll(/`([^`\n]+)`/g)].map(([, word]) => word!);

for (const path of ['ARCHITECTURE.md', 'CONTRIBUTING.md']) {
  test(`every path that ${path} names exists`, () => {
    const named = inBackticks(readDocument(path)).filter((word) => isPath.test(word));
    assert.deepEqual(named.filter((word) => !existsSync(join(home, word))), []);
  });
}

test('every function that ARCHITECTURE.md names in a file is in that file', () => {
  const pairs = [...readDocument('ARCHITECTURE.md').matchAll(/`([A-Za-z]+)` in `([\w./-]+\.ts)`/g)];
  assert.ok(pairs.length > 10, 'the walks name functions');
  const absent = pairs.filter(([, name, file]) => !new RegExp(`\\b${name}\\b`).test(readDocument(file!)));
  assert.deepEqual(absent.map(([said]) => said), []);
});

test('ARCHITECTURE.md tells of every room', () => {
  const text = readDocument('ARCHITECTURE.md');
  const folders = (path: string) => readdirSync(join(home, path), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => `${path}/${entry.name}`);
  const rooms = folders('src').flatMap((floor) => [floor, ...folders(floor)]);
  assert.deepEqual(rooms.filter((room) => !text.includes(`\`${room}/\``)), []);
});

test('decisions are numbered without gaps and say context, decision, consequence', () => {
  const files = readdirSync(join(home, 'docs/decisions')).toSorted();
  assert.deepEqual(files.map((file) => Number(file.slice(0, 4))), files.map((_, i) => i + 1));
  for (const file of files) {
    const text = readFileSync(join(home, 'docs/decisions', file), 'utf8');
    for (const heading of ['## Context', '## Decision', '## Consequence']) assert.ok(text.includes(`\n${heading}\n`), `${file}: ${heading}`);
  }
});
