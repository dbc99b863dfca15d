// What README and guides tell people to type: every block marked `sh run` of a document, in order, in one shell and in a
// network and process namespace of the document's own. A block `text output` must be what the block before it printed.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Block, blocksOf, documents, readDocument } from '../habits/documents.ts';
import { home } from '../habits/source-tree.ts';
import { run } from './running-cluster.ts';

interface Step {
  readonly block: Block;
  readonly output?: Block;
}

const isRun = (block: Block): boolean => block.info === 'sh run';

function stepsOf(document: string): Step[] {
  const blocks = blocksOf(document);
  return blocks.flatMap((block, i) => {
    const next = blocks[i + 1];
    return isRun(block) ? [{ block, ...(next?.info === 'text output' && { output: next }) }] : [];
  });
}

/** `set -e` forgives a command after `!`; a document means that it must fail. */
const mustFail = (text: string): string => text.replaceAll(/^! (.*)$/gm, (_, command: string) => `if ${command}; then echo 'this should have failed'; false; fi`);

const markOf = ({ line }: Block): string => `@@@ line ${line}`;

const scriptOf = (steps: readonly Step[]): string =>
  ['set -e -o pipefail', ...steps.flatMap(({ block }) => [`echo '${markOf(block)}'`, mustFail(block.text)]), "echo '@@@ end'"].join('\n');

/** What differs from run to run: addresses, generated names, nodes that a scheduler chose. */
const settled = (text: string): string[] =>
  text
    .replaceAll(/\b[0-9a-f]*:[0-9a-f:]*:[0-9a-f]+\b/g, 'ADDRESS')
    .replaceAll(/\b\d+\.\d+\.\d+\.\d+\b/g, 'ADDRESS')
    .replaceAll(/\b(\w+)-[a-z0-9]{6,10}-[a-z0-9]{5}\b/g, '$1-NAME')
    .replaceAll(/\bnode[1-9]\b/g, 'NODE')
    .split('\n')
    .map((line) => line.trim().replaceAll(/\s+/g, ' '));

/** The same lines, whichever endpoint comes first and however many there are of a sort. */
const sorts = (text: string): string[] => [...new Set(settled(text))].filter(Boolean).toSorted();

/** A folder that looks like the checkout to one who types: `./fairlead`, `examples/`, kubectl on PATH. */
function createWorkplace(): { folder: string; env: NodeJS.ProcessEnv } {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-readme-'));
  writeFileSync(join(folder, 'fairlead'), `#!/bin/sh\nexec '${process.execPath}' '${join(home, 'src/main.ts')}' "$@"\n`, { mode: 0o755 });
  symlinkSync(join(home, 'examples'), join(folder, 'examples'));
  mkdirSync(join(folder, 'bin'));
  const kubectl = process.env['FAIRLEAD_KUBECTL'];
  if (kubectl) symlinkSync(kubectl, join(folder, 'bin/kubectl'));
  return { folder, env: { HOME: folder, FAIRLEAD_DATA: join(folder, '.data'), PATH: `${join(folder, 'bin')}:${process.env['PATH']}` } };
}

const enter = 'mount -t tmpfs tmpfs /run && mkdir -p /run/netns && ip link set lo up && cd "$1" && exec bash -s';

async function play(steps: readonly Step[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { folder, env } = createWorkplace();
  try {
    const rooms = ['--net', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--mount-proc'];
    return await run('unshare', [...rooms, 'sh', '-c', enter, 'sh', folder], { env, stdin: scriptOf(steps) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const printedBy = (stdout: string, block: Block): string => stdout.split(`${markOf(block)}\n`)[1]?.split('@@@ ')[0] ?? '';

for (const path of documents().filter((each) => each === 'README.md' || each.startsWith('docs/guides/'))) {
  const steps = stepsOf(readDocument(path));
  if (steps.length === 0) continue;
  test(`what ${path} tells to type works, from the first block to the last`, async () => {
    const { code, stdout, stderr } = await play(steps);
    assert.ok(code === 0 && stdout.includes('@@@ end'), `exit code ${code}\n${stdout.slice(-3000)}\n${stderr.slice(-2000)}`);
    for (const { block, output } of steps) {
      if (output) assert.deepEqual(sorts(printedBy(stdout, block)), sorts(output.text), `${path}:${output.line}`);
    }
  });
}
