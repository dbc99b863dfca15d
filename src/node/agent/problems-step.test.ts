import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinds } from '../../kube/kinds/kinds.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import { createMemoryStore } from '../../kube/store/embedded.ts';
import type { NetworkModel, Problem } from '../../model/network-model.ts';
import { problemsStep } from './problems-step.ts';

test('HPT-05: a pod hears once that somebody else has its host port, and again when that comes back', async () => {
  const store = createMemoryStore(kinds, () => new Date(0));
  await store.write({ verb: 'create', object: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'default' }, spec: { containers: [{ name: 'main', image: 'any' }] } } as KubeObject });
  const events: string[] = [];
  const step = problemsStep(store, ({ about, type, reason, message }) => void events.push(`${type} ${about.metadata.name} ${reason}: ${message}`));
  const conflict: Problem = { about: { kind: 'Pod', namespace: 'default', name: 'web' }, reason: 'HostPortConflict', message: '10.0.0.1 port 80/TCP belongs to Pod default/other' };
  const ofService: Problem = { ...conflict, about: { kind: 'Service', namespace: 'default', name: 'web' } };
  const show = (...problems: Problem[]) => step.apply({ problems } as unknown as NetworkModel);
  const said = 'Warning web HostPortConflict: 10.0.0.1 port 80/TCP belongs to Pod default/other';
  await show(conflict, ofService);
  await show(conflict);
  assert.deepEqual(events, [said]);
  await show();
  await show(conflict);
  assert.deepEqual(events, [said, said]);
});
