// The manifests of single parts are taken by the API server as they are, and grant what the part asks and no more.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { manifest } from './running-cluster.ts';
import { startApi } from './api-under-test.ts';

const account = 'system:serviceaccount:kube-system:fairlead-proxy';
const answers: readonly (readonly [question: string, answer: 'yes' | 'no'])[] = [
  ['watch endpointslices.discovery.k8s.io', 'yes'],
  ['list services', 'yes'],
  ['create events', 'yes'],
  ['get secrets', 'no'],
  ['delete pods', 'no'],
  ['update nodes', 'no'],
];

test('KPX-01: examples/parts/proxy.yaml makes a DaemonSet on every node with a role of its own, which reads and writes nothing else', async () => {
  const api = await startApi();
  after(() => api.close());
  const applied = await api.kubectl(`apply -f ${manifest('parts/proxy.yaml')}`);
  assert.equal(applied.code, 0, applied.err);
  assert.match(applied.out, /daemonset\.apps\/fairlead-proxy created/);
  for (const [question, answer] of answers) {
    const { out } = await api.kubectl(`auth can-i ${question} --as ${account} -A`);
    assert.equal(out.trim(), answer, question);
  }
});
