import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VirtualAddress } from '../network-model.ts';
import { type ClientPlace, confinedToLocal, outboundMasquerade, serviceMasquerade } from './masquerade.ts';

const [pod, other] = ['10.244.1.2', '10.244.2.2'];
type Front = Pick<VirtualAddress, 'type' | 'localOnly'>;
const cluster: Front = { type: 'clusterIP', localOnly: false };
const clusterLocal: Front = { type: 'clusterIP', localOnly: true };
const nodePort: Front = { type: 'nodePort', localOnly: false };
const nodePortLocal: Front = { type: 'nodePort', localOnly: true };

const rows: [says: string, front: Front, client: ClientPlace, source: string, expected: 'hairpin' | 'foreign' | undefined][] = [
  ['KPX-05: a pod keeps its address', cluster, 'pod here', other, undefined],
  ['KPX-14: a pod that reached itself is masqueraded', cluster, 'pod here', pod, 'hairpin'],
  ['KPX-14: also through a node port', nodePort, 'pod here', pod, 'hairpin'],
  ['KPX-15: an off-cluster source at a cluster IP is masqueraded', cluster, 'outside', '192.0.2.1', 'foreign'],
  ['KPX-15: a Local cluster IP makes no exception', clusterLocal, 'outside', '192.0.2.1', 'foreign'],
  ['KPX-33: external Cluster policy hides the client', nodePort, 'outside', '192.0.2.1', 'foreign'],
  ['KPX-34: external Local policy shows the client', nodePortLocal, 'outside', '192.0.2.1', undefined],
  ["another node's pod would get its reply from a stranger", nodePortLocal, 'pod elsewhere', other, 'foreign'],
  ['the node itself already speaks with its own address', nodePort, 'this node', '192.168.0.1', undefined],
];

for (const [says, front, client, source, expected] of rows) {
  test(says, () => assert.equal(serviceMasquerade(front, client, source, pod), expected));
}

test('KPX-36: on external addresses Local binds only clients from outside; on a cluster IP everyone', () => {
  const clients: ClientPlace[] = ['pod here', 'this node', 'pod elsewhere', 'outside'];
  assert.deepEqual(clients.map((client) => confinedToLocal(nodePortLocal, client)), [false, false, false, true]);
  assert.deepEqual(clients.map((client) => confinedToLocal(clusterLocal, client)), [true, true, true, true]);
  assert.deepEqual(clients.map((client) => confinedToLocal(nodePort, client)), [false, false, false, false]);
});

test('NET-17: pods are masqueraded towards the outside only', () => {
  const inside = ['10.244.0.0/16', '192.168.0.1/32'];
  assert.equal(outboundMasquerade('pod here', '8.8.8.8', inside), true);
  assert.equal(outboundMasquerade('pod here', '10.244.9.9', inside), false);
  assert.equal(outboundMasquerade('pod here', '192.168.0.1', inside), false);
  assert.equal(outboundMasquerade('this node', '8.8.8.8', inside), false);
});
