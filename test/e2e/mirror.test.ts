// The mirror of an API server is a store like any other: the shared suite, over HTTPS against our own server.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApiClient } from '../../src/kube/client/api-client.ts';
import { readKubeconfig } from '../../src/kube/client/kubeconfig.ts';
import { configMapKind } from '../../src/kube/kinds/config-map.ts';
import { deploymentKind } from '../../src/kube/kinds/deployment.ts';
import type { Kind } from '../../src/kube/kinds/kind.ts';
import { podKind } from '../../src/kube/kinds/pod.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { createMirror } from '../../src/kube/store/mirror.ts';
import { testStore } from '../../src/kube/store/store-suite.ts';
import { type ApiUnderTest, startApi } from './api-under-test.ts';

const mirrored = [configMapKind, podKind, deploymentKind] as readonly Kind<never>[] as readonly Kind[];

async function openMirror(api: ApiUnderTest) {
  const client = createApiClient(readKubeconfig(api.kubeconfig));
  const store = createMirror({ client, kinds: mirrored, pause: (stop) => sleep(20, undefined, { signal: stop }).catch(() => {}) });
  await store.synced;
  return {
    store,
    close() {
      store.close();
      client.close();
    },
  };
}

testStore('mirror', async () => {
  const api = await startApi();
  const { store, close } = await openMirror(api);
  return {
    store,
    async close() {
      close();
      await api.close();
    },
  };
});

const configMap = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } });

test('what others write comes by the watch, and two mirrors end up with the same', async () => {
  const api = await startApi();
  const [one, other] = [await openMirror(api), await openMirror(api)];
  const stop = new AbortController();
  const news = one.store.watch([configMapKind as Kind], one.store.snapshot().revision, stop.signal)[Symbol.asyncIterator]();
  const next = news.next();
  await other.store.write({ verb: 'create', object: configMap('theirs') });
  assert.equal(((await next).value as { object: KubeObject }).object.metadata.name, 'theirs');
  assert.equal(one.store.snapshot().revision, other.store.snapshot().revision);
  stop.abort();
  one.close();
  other.close();
  await api.close();
});

test('a mirror that is closed leaves no writer waiting', async () => {
  const api = await startApi();
  const { store, close } = await openMirror(api);
  const written = store.write({ verb: 'create', object: configMap('last') });
  close();
  await written.catch((error: NodeJS.ErrnoException) => assert.ok(error.code));
  await api.close();
});
