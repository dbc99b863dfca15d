// The judges of packets must be strangers to each other, or their agreement proves nothing: who runs whose code.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSources } from './source-tree.ts';

const byPath = new Map(readSources('{src,test}/**/*.ts').map((file) => [file.path, file.runtimeImports]));

/** Every file that runs when this one is imported. */
function reach(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen;
  seen.add(path);
  for (const to of byPath.get(path) ?? []) reach(to, seen);
  return seen;
}

const within = (path: string, folders: RegExp): string[] => [...reach(path)].filter((file) => folders.test(file));

test('NPT-73: the reference runs nothing of the model, of the rulesets, or of their arithmetic', () => {
  const own = within('test/scenarios/random/reference.ts', /^test\//);
  assert.ok(own.includes('test/scenarios/random/reference-services.ts'));
  // The kinds name what is read; label selectors and addresses it reads by itself.
  assert.deepEqual(own.flatMap((file) => byPath.get(file)!.filter((to) => to.startsWith('src/') && !to.startsWith('src/kube/kinds/'))), []);
  assert.deepEqual(within('test/scenarios/random/reference.ts', /^src\/(model|node|control|serve)\//), []);
});

test('NPT-73: the evaluator and what it evaluates run nothing by which the model judges', () => {
  for (const path of ['src/node/nft/evaluate.ts', 'src/node/dataplane/render.ts', 'src/node/dataplane/iptables/render-iptables.ts', 'src/node/bpf/render-connect.ts']) {
    assert.ok(byPath.has(path), path);
    assert.deepEqual(within(path, /^src\/model\/(?!network-model\.ts$)/), [], path);
  }
  assert.deepEqual(within('test/scenarios/run/evaluator-judge.ts', /^src\/model\/(?!network-model\.ts$|nodes\/node-view\.ts$)/), []);
});
