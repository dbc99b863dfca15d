import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node } from '../../kube/objects/core.ts';
import { announcers } from './announcers.ts';

const node = (name: string, more: { ready?: boolean; labels?: Record<string, string>; taint?: string; leaving?: boolean; address?: string } = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: more.labels ?? {}, ...(more.leaving ? { deletionTimestamp: '2024-01-01T00:00:00Z' } : {}) },
  spec: more.taint ? { taints: [{ key: more.taint, effect: 'NoSchedule' }] } : {},
  status: {
    conditions: [{ type: 'Ready', status: more.ready === false ? 'False' : 'True' }],
    ...(more.address ? { addresses: [{ type: 'InternalIP', address: more.address }] } : {}),
  },
});

const many = Array.from({ length: 200 }, (_, i) => ({ address: `198.51.100.${i}`, nodes: 'any' as const }));
const [a, b, c] = [node('a'), node('b'), node('c')];

test('LB-20: exactly one node answers for an address, whatever order the nodes come in', () => {
  assert.deepEqual(announcers(many, [a, b, c]), announcers(many, [c, a, b]));
  assert.equal(announcers(many, [a, b, c]).size, many.length);
});

test('a node that goes moves only its own addresses, and each node has its share', () => {
  const before = announcers(many, [a, b, c]);
  const after = announcers(many, [a, b]);
  for (const [address, name] of before) if (name !== 'c') assert.equal(after.get(address), name);
  for (const name of ['a', 'b', 'c']) assert.ok([...before.values()].filter((each) => each === name).length > 40, name);
});

test('LB-10: nodes that are not ready, excluded, tainted for removal or being deleted do not answer', () => {
  const out = [
    node('a', { ready: false }),
    node('b', { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } }),
    node('c', { taint: 'ToBeDeletedByClusterAutoscaler' }),
    node('d', { leaving: true }),
  ];
  assert.equal(announcers(many, out).size, 0);
  assert.deepEqual(new Set(announcers(many, [...out, node('e')]).values()), new Set(['e']));
});

test('LB-12: with Local only nodes with endpoints answer, and none is better than a wrong one', () => {
  assert.equal(announcers([{ address: '198.51.100.7', nodes: ['b'] }], [a, b, c]).get('198.51.100.7'), 'b');
  assert.equal(announcers([{ address: '198.51.100.7', nodes: [] }], [a, b, c]).size, 0);
});

test("LB-20: an address that a node has as its own is announced by nobody: another node would take it away", () => {
  const nodes = [node('a', { address: '198.51.100.7' }), b, c];
  assert.deepEqual(announcers([{ address: '198.51.100.7', nodes: 'any' }, { address: '198.51.100.7', nodes: ['b'] }], nodes), new Map());
});
