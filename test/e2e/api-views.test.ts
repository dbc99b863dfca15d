// Kinds that are served more than once, and kinds that are only kept: by request, and as kubectl meets them.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ApiUnderTest, type Reply, startApi } from './api-under-test.ts';

let api: ApiUnderTest;
before(async () => {
  api = await startApi();
});
after(() => api.close());

const scalers = (version: string, name = '') => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers${name && `/${name}`}`;
const create = (path: string, body: unknown): Promise<Reply> => api.call('POST', path, { body });
const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };

test('kubectl autoscale writes a scaler, by whichever version it speaks', async () => {
  assert.equal((await api.kubectl('create deployment web --image=x')).code, 0);
  const ran = await api.kubectl('autoscale deployment web --min=2 --max=4 --cpu-percent=50');
  assert.equal(ran.code, 0, ran.err);
  const { json } = await api.call('GET', scalers('v2', 'web'));
  const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } };
  assert.deepEqual([json.apiVersion, json.spec], ['autoscaling/v2', { scaleTargetRef, minReplicas: 2, maxReplicas: 4, metrics: [cpu] }]);
  assert.match((await api.kubectl('get hpa web --no-headers')).out, /^web\s+Deployment\/web\s+cpu: <unknown>\/50%\s+2\s+4\s+0/);
});

test('a scaler in v1 says one percentage; what v1 has no field for travels in annotations and comes back', async () => {
  const memory = { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } };
  const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } };
  const behavior = { scaleDown: { stabilizationWindowSeconds: 60 } };
  const spec = { scaleTargetRef, minReplicas: 1, maxReplicas: 3, metrics: [cpu, memory], behavior };
  assert.equal((await create(scalers('v2'), { metadata: { name: 'rich', annotations: { own: 'x' } }, spec })).code, 201);
  const { json: old } = await api.call('GET', scalers('v1', 'rich'));
  assert.deepEqual([old.apiVersion, old.spec], ['autoscaling/v1', { scaleTargetRef, minReplicas: 1, maxReplicas: 3, targetCPUUtilizationPercentage: 70 }]);
  assert.deepEqual(JSON.parse(old.metadata.annotations['autoscaling.alpha.kubernetes.io/metrics']), [memory]);
  assert.equal((await api.call('PUT', scalers('v1', 'rich'), { body: { ...old, spec: { ...old.spec, targetCPUUtilizationPercentage: 60 } } })).code, 200);
  const { json: now } = await api.call('GET', scalers('v2', 'rich'));
  assert.deepEqual(now.spec, { ...spec, metrics: [{ ...cpu, resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } }, memory] });
  assert.deepEqual(now.metadata.annotations, { own: 'x' });
});

test('ServiceCIDRs and IPAddresses are served as v1 and, with a warning, as v1beta1', async () => {
  const path = (version: string) => `/apis/networking.k8s.io/${version}/servicecidrs`;
  const { code, json, headers } = await create(path('v1beta1'), { metadata: { name: 'more' }, spec: { cidrs: ['10.99.0.0/24'] } });
  assert.deepEqual([code, json.apiVersion], [201, 'networking.k8s.io/v1beta1']);
  assert.equal(headers['warning'], '299 - "networking.k8s.io/v1beta1 ServiceCIDR is deprecated in v1.34+, unavailable in v1.37+"');
  const { json: same, headers: silent } = await api.call('GET', `${path('v1')}/more`);
  assert.deepEqual([same.apiVersion, same.metadata.uid, silent['warning']], ['networking.k8s.io/v1', json.metadata.uid, undefined]);
});

const core = '/api/v1';
const kept: readonly (readonly [path: string, plural: string, body: object, shown: RegExp])[] = [
  [`${core}/persistentvolumes`, 'pv', { metadata: { name: 'disk' }, spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/data' } } }, /^disk\s+1Gi\s+RWO\s+Retain\s+Pending\s+<unset>/],
  [`${core}/namespaces/default/persistentvolumeclaims`, 'pvc', { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }, /^data\s+Pending\s+<unset>/],
  [`${core}/namespaces/default/podtemplates`, 'podtemplates', { metadata: { name: 'tpl' }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } } }, /^tpl\s+c\s+i\s+a=b/],
];
for (const [path, plural, body, shown] of kept) {
  test(`${plural} are kept and shown`, async () => {
    const { code, text } = await create(path, body);
    assert.equal(code, 201, text);
    assert.match((await api.kubectl(`get ${plural} --no-headers`)).out, shown);
  });
}

test('a claim says how it is used and how much it wants', async () => {
  const { json } = await create(`${core}/namespaces/default/persistentvolumeclaims`, { metadata: { name: 'bad' }, spec: { accessModes: ['Sometimes'] } });
  assert.match(json.message, /spec\.accessModes: Unsupported value: "Sometimes": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod", spec\.resources\[storage\]: Required value/);
});

test('apply --prune knows every kind that it asks for by itself', async () => {
  const map = (name: string) => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels: { app: 'pruned' } } });
  assert.equal((await api.kubectl('apply -f -', map('one'))).code, 0);
  const { code, out, err } = await api.kubectl('apply -f - --prune -l app=pruned', map('two'));
  assert.equal(code, 0, err);
  assert.match(out, /configmap\/two created\nconfigmap\/one pruned/);
});
