import assert from 'node:assert/strict';
import { test } from 'node:test';
import { text as readText } from 'node:stream/consumers';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { realClock } from '../../base/run/clock.ts';
import { logFor } from '../../base/run/log.ts';
import { hostSockets } from '../../base/run/sockets.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import { kinds } from '../../kube/kinds/kinds.ts';
import { createMemoryStore } from '../../kube/store/embedded.ts';
import type { Problem } from '../../model/network-model.ts';
import { createGateway, ingressController } from './gateway.ts';
import { portOf, startHttp } from './proxy-fixture.ts';

const inDefault = (kind: string, apiVersion: string, name: string, rest: object): KubeObject => ({ apiVersion, kind, metadata: { name, namespace: 'default' }, ...rest }) as KubeObject;

test('WT-25, WT-26, ING-71, ING-74: an Ingress serves its host as soon as its Service has endpoints, and no longer than it lives', async (t) => {
  const { port } = await startHttp(t, (_req, res) => res.end('app page'));
  // Endpoints on loopback are refused by the API, but here they are the only addresses that belong to the test.
  const lenient = kinds.map((kind) => (kind.kind === 'EndpointSlice' ? { ...kind, validate: () => [] } : kind));
  const store = createMemoryStore(lenient);
  const problems: (readonly Problem[])[] = [];
  const gateway = createGateway({
    store, sockets: hostSockets, log: logFor('test'), clock: realClock, address: '127.0.0.1', portOf: () => 0,
    scope: { clusterDomain: 'cluster.local', podCIDRs: [], serviceCIDRs: [], ingressControllers: [ingressController] },
    onProblems: (found) => problems.push(found),
  });
  t.after(async () => {
    await gateway.close();
    await store.close();
  });
  const write = async (object: KubeObject) => {
    await store.write({ verb: 'create', object });
    await gateway.settled(store.snapshot().revision);
  };
  const ask = async (host: string) => {
    const req = request({ port: portOf(gateway.proxy), host: '127.0.0.1', headers: { host } }).end();
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    return `${res.statusCode} ${await readText(res)}`.trim();
  };
  await write({ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'fairlead' }, spec: { controller: ingressController } } as KubeObject);
  assert.equal(await ask('www.test.com'), '404 default backend - 404');
  const backend = { service: { name: 'tomcat6', port: { number: 80 } } };
  await write(inDefault('Ingress', 'networking.k8s.io/v1', 'web', { spec: { ingressClassName: 'fairlead', rules: [{ host: 'www.test.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] } }));
  assert.match(await ask('www.test.com'), /^503 /);
  assert.deepEqual(problems.at(-1)?.map(({ reason }) => reason), ['ServiceNotFound']);
  await write(inDefault('Service', 'v1', 'tomcat6', { spec: { ports: [{ port: 80, targetPort: 8080 }] } }));
  const slice = inDefault('EndpointSlice', 'discovery.k8s.io/v1', 'tomcat6-1', { addressType: 'IPv4', ports: [{ port }], endpoints: [{ addresses: ['127.0.0.1'] }] });
  await write({ ...slice, metadata: { ...slice.metadata, labels: { 'kubernetes.io/service-name': 'tomcat6' } } });
  assert.equal(await ask('www.test.com'), '200 app page');
  assert.equal(await ask('other.test.com'), '404 default backend - 404');
  await store.write({ verb: 'delete', target: { apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', namespace: 'default', name: 'web' } });
  await gateway.settled(store.snapshot().revision);
  assert.equal(await ask('www.test.com'), '404 default backend - 404');
});
