// What one pod's change costs the control plane is counted, not timed: objects that controllers look into.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { largeCluster } from '../../scripts/bench/large-cluster.ts';
import { createManualClock } from '../../src/base/run/clock.ts';
import { createControllers } from '../../src/control/controllers/controllers.ts';
import { startControllers } from '../../src/control/controllers/runner.ts';
import { createKindIndex } from '../../src/kube/kinds/kind-index.ts';
import { kinds } from '../../src/kube/kinds/kinds.ts';
import { podKind } from '../../src/kube/kinds/pod.ts';
import type { Pod } from '../../src/kube/objects/core.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { createEmbeddedStore } from '../../src/kube/store/embedded.ts';
import { testOptions } from './controller-world.ts';

/** Answers how many looks the change of one pod cost, by kind. */
async function costOfOneChange(services: number): Promise<Record<string, number>> {
  const looks: Record<string, number> = {};
  const objects = largeCluster({ nodes: services, services, podsPerService: 2, large: 1 }).map((object) => withDoor(object, () => (looks[object.kind] = (looks[object.kind] ?? 0) + 1)));
  const clock = createManualClock();
  const journal = { load: () => ({ revision: objects.length + 100, objects }), commit() {}, close() {} };
  const store = createEmbeddedStore({ kindOf: createKindIndex(kinds), journal, now: () => clock.now() } as Parameters<typeof createEmbeddedStore>[0]);
  const running = startControllers({ store, controllers: createControllers(testOptions), clock });
  const settle = async () => {
    for (let before = -1; before !== store.snapshot().revision; await new Promise((resolve) => setImmediate(resolve))) {
      before = store.snapshot().revision;
      await running.settled(before);
    }
  };
  const flip = async (name: string) => {
    const pod = store.snapshot().get(podKind, name, 'bench')!;
    await store.write({ verb: 'update', object: { ...pod, status: { ...pod.status, conditions: [{ type: 'Ready', status: 'False' }] } } as Pod, subresource: 'status' });
    await settle();
  };
  await settle();
  // The first change after a start meets decisions whose writes have only just landed.
  await flip('app-1-2');
  for (const kind of Object.keys(looks)) delete looks[kind];
  await flip('app-5-10');
  await running.close();
  await store.close();
  return looks;
}

/** The object with a counter at its spec. */
function withDoor(object: KubeObject, onLook: () => void): KubeObject {
  const { spec } = object as { spec?: unknown };
  return spec === undefined ? object : Object.defineProperty({ ...object }, 'spec', { enumerable: true, configurable: true, get: () => (onLook(), spec) });
}

test('a pod that is no longer ready costs the controllers as many looks among 300 Services, their pods and nodes as among 30', async () => {
  const [few, many] = [await costOfOneChange(30), await costOfOneChange(300)];
  assert.deepEqual(many, few);
  assert.ok((few['Pod'] ?? 0) > 0, 'pods of the Service are looked at');
});
