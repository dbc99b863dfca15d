import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createManualClock } from '../base/run/clock.ts';
import { configMapKind } from '../kube/kinds/config-map.ts';
import type { Kind } from '../kube/kinds/kind.ts';
import { kinds } from '../kube/kinds/kinds.ts';
import { namespaceKind } from '../kube/kinds/namespace.ts';
import type { KubeObject } from '../kube/objects/meta.ts';
import { createMemoryStore } from '../kube/store/embedded.ts';
import { storeOverLink } from './store-over-link.ts';

const named = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }) as KubeObject;

test('while the link is down nothing is written or heard, and the last snapshot stays; then all of it comes', async () => {
  const store = createMemoryStore(kinds);
  const clock = createManualClock();
  let up = true;
  const linked = storeOverLink({ store, isConnected: () => up, clock });
  const names = () => linked.snapshot().list(namespaceKind).map(({ metadata }) => metadata.name);
  await linked.write({ verb: 'create', object: named('before') });
  assert.deepEqual(names(), ['before']);

  const stop = new AbortController();
  const heard: string[] = [];
  const listening = (async () => {
    for await (const { object } of linked.watch([namespaceKind as Kind, configMapKind as Kind], linked.snapshot().revision, stop.signal)) heard.push(object.metadata.name);
  })();
  up = false;
  await store.write({ verb: 'create', object: named('meanwhile') });
  await assert.rejects(linked.write({ verb: 'create', object: named('lost') }), /cannot be reached/);
  await clock.advance(1000);
  assert.deepEqual([names(), heard], [['before'], []]);

  up = true;
  await clock.advance(1000);
  assert.deepEqual([names(), heard], [['before', 'meanwhile'], ['meanwhile']]);
  stop.abort();
  await listening;
  await store.close();
});
