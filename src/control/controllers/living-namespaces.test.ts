import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../../kube/objects/meta.ts';
import { snapshotOf, stateOf } from '../../kube/store/state.ts';
import type { Controller } from './controller.ts';
import { onlyInLivingNamespaces } from './living-namespaces.ts';
import { create, update } from './writes.ts';

const map = (namespace: string): KubeObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace } });
const namespace = (name: string, more: object = {}, status: object = {}): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, ...more }, status }) as KubeObject;
const wishing: Controller = {
  name: 'wishing',
  reads: [],
  decide: () => [...['alive', 'doomed', 'ending', 'missing'].map((name) => create(map(name))), update(map('doomed'))],
};

test('ESL-18: what a controller would make in a namespace that is going is left out in silence; the rest is done', () => {
  const seen = snapshotOf(stateOf(1, [namespace('alive'), namespace('doomed', { deletionTimestamp: '2024-05-01T12:00:00Z' }), namespace('ending', {}, { phase: 'Terminating' })]));
  const writes = onlyInLivingNamespaces(wishing).decide(seen, new Date(0));
  assert.deepEqual(writes.map((write) => [write.verb, write.verb === 'delete' ? '' : write.object.metadata.namespace]), [['create', 'alive'], ['update', 'doomed']]);
});
