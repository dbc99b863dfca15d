import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepFreeze } from '../../base/data/freeze.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import type { SliceEndpoint } from '../../kube/objects/networking.ts';
import { snapshotOf, stateOf } from '../../kube/store/state.ts';
import { readServiceQuestion } from '../cli/service.ts';
import { explainService } from './explain-service.ts';
import { QuestionError } from './explain.ts';
import { printService } from './print-service.ts';

const scope = { clusterDomain: 'cluster.local', podCIDRs: ['10.244.0.0/16'], serviceCIDRs: ['10.96.0.0/16'] };
const node = (name: string, number: number, zone: string) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'topology.kubernetes.io/zone': zone } },
  spec: { podCIDRs: [`10.244.${number}.0/24`] },
  status: { addresses: [{ type: 'InternalIP', address: `172.30.0.${number}` }] },
});
const pod = (name: string, nodeName: string, ip: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { nodeName, containers: [] },
  status: { phase: 'Running', podIPs: [{ ip }] },
});
const service = (spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default' },
  spec: { type: 'NodePort', clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'], ipFamilies: ['IPv4'], ports: [{ port: 80, protocol: 'TCP', targetPort: 8080, nodePort: 30_080 }], ...spec },
});
const slice = (name: string, endpoints: SliceEndpoint[], addressType = 'IPv4') => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType,
  ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  endpoints,
});
const at = (ip: string, nodeName: string, more: Partial<SliceEndpoint> = {}): SliceEndpoint => ({ addresses: [ip], nodeName, conditions: { ready: true, serving: true, terminating: false }, ...more });
const ending = { conditions: { ready: false, serving: true, terminating: true } };
const base = [node('a', 1, 'east'), node('b', 2, 'west'), pod('client', 'a', '10.244.1.9')];

function ask(objects: object[], { from, node: on }: { from?: string; node?: string } = {}) {
  const seen = snapshotOf(stateOf(7, [...base, ...objects].map((object) => deepFreeze(object) as KubeObject)));
  return explainService(seen, readServiceQuestion('web', { namespace: 'default', ...(from && { from }), ...(on && { node: on }) }), scope).explanation;
}
const reasons = (objects: object[], asked?: { from?: string; node?: string }) =>
  ask(objects, asked).ports.flatMap(({ endpoints }) => endpoints).map(({ endpoint, isUsed, why }) => `${endpoint.address} ${isUsed ? 'in' : 'out'}: ${why}`);
const hint = (zone: string) => ({ hints: { forZones: [{ name: zone }] } });

const rows: readonly (readonly [about: string, endpoints: SliceEndpoint[], expected: string[]])[] = [
  ['ready', [at('10.244.1.2', 'a')], ['10.244.1.2 in: ready']],
  ['KPX-09: not ready', [at('10.244.1.2', 'a', { conditions: { ready: false } })], ['10.244.1.2 out: not ready']],
  ['PROXY-22: terminating beside a ready one', [at('10.244.1.2', 'a'), at('10.244.2.2', 'b', ending)], ['10.244.1.2 in: ready', '10.244.2.2 out: terminating; others are ready']],
  ['PROXY-20: terminating alone', [at('10.244.2.2', 'b', ending)], ['10.244.2.2 in: terminating, but it still serves, and nothing is ready']],
  ['PROXY-24: terminating and not serving', [at('10.244.2.2', 'b', { conditions: { ready: false, serving: false, terminating: true } })], ['10.244.2.2 out: terminating, and it no longer serves']],
  ['TOPO-33: another zone by hints', [at('10.244.1.2', 'a', hint('east')), at('10.244.2.2', 'b', hint('west'))], ['10.244.1.2 in: ready', '10.244.2.2 out: other zone: hinted for zone west; here is zone east']],
  ['SVC-38: an address of the service range', [at('10.96.0.9', 'a')], ['10.96.0.9 out: its address lies inside the service range']],
];
for (const [about, endpoints, expected] of rows) test(`why an endpoint is in or out: ${about}`, () => assert.deepEqual(reasons([service(), slice('web-1', endpoints)]), expected));

test('slices that cannot be proxied are told: FQDN, and a family that the Service has not', () => {
  const { notes } = ask([service(), slice('web-names', [{ addresses: ['db.example.com'] }], 'FQDN'), slice('web-6', [{ addresses: ['fd00::1'] }], 'IPv6')]);
  assert.deepEqual(notes, ['EndpointSlice web-6 is out: it holds IPv6 addresses, and the Service has none of that family', 'EndpointSlice web-names is out: names (FQDN) are not proxied']);
});

const elsewhere = slice('web-1', [at('10.244.2.2', 'b')]);
const meetings: readonly (readonly [about: string, objects: object[], asked: { from?: string; node?: string }, meets: string[], works: boolean])[] = [
  ['KPX-30: everything leads somewhere', [service(), elsewhere], {}, ['clusterIP endpoints', 'nodePort endpoints'], true],
  ['KPX-10: without endpoints all is refused', [service()], {}, ['clusterIP rejected', 'nodePort rejected'], false],
  ['KPX-35: Local without a local endpoint, from outside', [service({ externalTrafficPolicy: 'Local' }), elsewhere], { from: 'outside', node: 'a' }, ['clusterIP endpoints', 'nodePort dropped'], false],
  ['KPX-36: the same from a pod', [service({ externalTrafficPolicy: 'Local' }), elsewhere], { from: 'pod/client' }, ['clusterIP endpoints', 'nodePort endpoints'], true],
  ['KPX-48: internal Local binds pods and processes', [service({ internalTrafficPolicy: 'Local' }), elsewhere], { from: 'node/a' }, ['clusterIP dropped', 'nodePort endpoints'], false],
  ['on the endpoint’s own node it works', [service({ internalTrafficPolicy: 'Local' }), elsewhere], { node: 'b' }, ['clusterIP endpoints', 'nodePort endpoints'], true],
];
for (const [about, objects, asked, meets, works] of meetings) {
  test(`what an address meets: ${about}`, () => {
    const answer = ask(objects, asked);
    assert.deepEqual(answer.ports.flatMap(({ fronts }) => fronts).map((front) => `${front.type} ${front.meets}`), meets);
    assert.equal(answer.works, works);
  });
}

test('headless and ExternalName Services have no address, and are said to', () => {
  assert.match(ask([service({ clusterIP: 'None', clusterIPs: ['None'] })]).notes[0]!, /headless/);
  assert.match(ask([service({ type: 'ExternalName', clusterIP: undefined, clusterIPs: undefined, externalName: 'db.example.com' })]).notes[0]!, /alias of db\.example\.com/);
});

test('the printed form lines up, names Local and marks what the kernel has', () => {
  const answer = ask([service({ internalTrafficPolicy: 'Local' }), slice('web-1', [at('10.244.1.2', 'a', { targetRef: { kind: 'Pod', name: 'web-1' } }), at('10.244.2.2', 'b')])]);
  const text = printService(answer, new Map([['default/web:80/tcp/4', { wished: 9, held: 8 }]]));
  assert.equal(
    text,
    [
      'Service default/web on node a, asked by a pod of node a',
      '  default/web:80/tcp/4  (kernel: holds only 8 of 9 entries)',
      '    clusterIP  10.96.0.7:80      endpoints  to one of 1: web-1',
      '    nodePort   172.30.0.1:30080  endpoints  to one of 2: web-1, 10.244.2.2',
      '    in  10.244.1.2:8080  web-1  a  ready; in under Local',
      '    in  10.244.2.2:8080         b  ready; out under Local: on node b',
    ].join('\n'),
  );
  assert.match(printService(answer, undefined), /the kernel was not asked/);
});

test('wrong questions are refused with what is wrong', () => {
  assert.throws(() => ask([]), QuestionError);
  assert.throws(() => ask([service()], { from: 'pod/nobody' }), /no running pod nobody in namespace default/);
  assert.throws(() => ask([service()], { node: 'z' }), /there is no node z/);
  assert.throws(() => readServiceQuestion('a/b/c', { namespace: 'default' }), /write NAME or NAMESPACE\/NAME/);
  assert.throws(() => readServiceQuestion('web', { namespace: 'default', from: 'somebody' }), /nobody who could ask/);
});
