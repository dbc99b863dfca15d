// The manifests of single parts are taken by the API server as they are, and grant what the part asks and no more.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { manifest } from './running-cluster.ts';
import { startApi } from './api-under-test.ts';

interface PartManifest {
  readonly part: string;
  readonly creates: string;
  readonly may: readonly string[];
  readonly mayNot: readonly string[];
}

const parts: readonly PartManifest[] = [
  { part: 'proxy', creates: 'daemonset.apps/fairlead-proxy', may: ['watch endpointslices.discovery.k8s.io', 'list services', 'create events'], mayNot: ['get secrets', 'delete pods', 'update nodes'] },
  { part: 'dns', creates: 'deployment.apps/fairlead-dns', may: ['watch endpointslices.discovery.k8s.io', 'list services', 'watch namespaces'], mayNot: ['list secrets', 'list pods', 'create events'] },
  { part: 'gateway', creates: 'daemonset.apps/fairlead-gateway', may: ['watch ingresses.networking.k8s.io', 'list secrets', 'watch services'], mayNot: ['create secrets', 'list pods', 'update ingresses.networking.k8s.io'] },
];

for (const { part, creates, may, mayNot } of parts) {
  test(`${part === 'proxy' ? 'KPX-01: ' : ''}examples/parts/${part}.yaml runs the part with a role of its own, which reads and writes nothing else`, async () => {
    const api = await startApi();
    after(() => api.close());
    const applied = await api.kubectl(`apply -f ${manifest(`parts/${part}.yaml`)}`);
    assert.equal(applied.code, 0, applied.err);
    assert.ok(applied.out.includes(`${creates} created`), applied.out);
    const can = async (question: string) => (await api.kubectl(`auth can-i ${question} --as system:serviceaccount:kube-system:fairlead-${part} -A`)).out.trim();
    for (const question of may) assert.equal(await can(question), 'yes', question);
    for (const question of mayNot) assert.equal(await can(question), 'no', question);
  });
}
