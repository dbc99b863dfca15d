// The floors of the house: who may import whom, each ban with its reason (ARCHITECTURE.md draws them).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isTest, readSources } from './source-tree.ts';

const floors: readonly { room: string; may: readonly string[]; because: string }[] = [
  { room: 'src/base/', may: ['src/base/'], because: 'the ground knows neither Kubernetes nor Linux' },
  { room: 'src/kube/', may: ['src/base/', 'src/kube/'], because: 'objects and their rules mean nothing by themselves' },
  { room: 'src/model/', may: ['src/base/', 'src/kube/', 'src/model/'], because: 'the meaning of objects is a pure function of them' },
  { room: 'src/control/', may: ['src/base/', 'src/kube/', 'src/model/', 'src/control/'], because: 'control, node and serve meet only through the API' },
  { room: 'src/serve/', may: ['src/base/', 'src/kube/', 'src/model/', 'src/serve/'], because: 'control, node and serve meet only through the API' },
  { room: 'src/node/nft/', may: ['src/base/', 'src/kube/', 'src/node/nft/', 'src/model/packet.ts'], because: 'a ruleset language knows no driver' },
  { room: 'src/node/iptables/', may: ['src/base/', 'src/kube/', 'src/node/iptables/'], because: 'a rule language knows no driver' },
  {
    room: 'src/node/netlink/',
    may: ['src/base/', 'src/kube/', 'src/node/nft/', 'src/node/netlink/', 'src/node/linux/driver.ts'],
    because: 'the wire knows no dataplane',
  },
  {
    room: 'src/node/dataplane/',
    may: ['src/base/', 'src/kube/', 'src/model/', 'src/node/nft/', 'src/node/iptables/', 'src/node/dataplane/', 'src/node/linux/wiring.ts'],
    because: 'rendering touches no kernel',
  },
  { room: 'src/node/', may: ['src/base/', 'src/kube/', 'src/model/', 'src/node/'], because: 'control, node and serve meet only through the API' },
  { room: 'src/ui/', may: ['src/base/', 'src/kube/', 'src/model/', 'src/node/nft/', 'src/ui/'], because: 'people hold the model and the evaluator, never a server' },
];

/** The model reads snapshots; how they are kept is not its business. */
const storeInside = /^src\/kube\/store\/(?!store\.ts$)/;

const sources = readSources().filter((file) => !isTest(file.path));
const arrows = (files: readonly { path: string; imports: string[] }[], wrong: (to: string, from: string) => boolean) =>
  files.flatMap((file) => file.imports.filter((to) => wrong(to, file.path)).map((to) => `${file.path} → ${to}`));

for (const { room, may, because } of floors) {
  test(`${room} imports only ${may.join(', ')}: ${because}`, () => {
    const files = sources.filter((file) => file.path.startsWith(room));
    assert.deepEqual(arrows(files, (to) => !may.some((ok) => to.startsWith(ok))), []);
  });
}

test('model never sees how objects are stored', () => {
  const files = sources.filter((file) => file.path.startsWith('src/model/'));
  assert.deepEqual(arrows(files, (to) => storeInside.test(to)), []);
});

test('the rooms of model know nothing of each other; only compile.ts joins them', () => {
  const roomOf = (path: string) => /^src\/model\/(\w+)\//.exec(path)?.[1];
  const files = sources.filter((file) => roomOf(file.path));
  assert.deepEqual(arrows(files, (to, from) => roomOf(to) !== undefined && roomOf(to) !== roomOf(from)), []);
});

test('EPT-14: whoever carries traffic or answers names reads EndpointSlices, never Endpoints', () => {
  const files = sources.filter((file) => /^src\/(model|node|serve)\//.test(file.path));
  assert.deepEqual(arrows(files, (to) => to === 'src/kube/kinds/endpoints.ts'), []);
});

test('there is no circle of run-time imports', () => {
  const byPath = new Map(sources.map((file) => [file.path, file.runtimeImports]));
  const done = new Set<string>();
  function visit(path: string, trail: readonly string[]): void {
    assert.ok(!trail.includes(path), `circle: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`);
    if (done.has(path)) return;
    for (const to of byPath.get(path) ?? []) visit(to, [...trail, path]);
    done.add(path);
  }
  for (const path of byPath.keys()) visit(path, []);
});
