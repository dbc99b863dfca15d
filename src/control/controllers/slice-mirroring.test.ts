import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepFreeze } from '../../base/data/freeze.ts';
import type { Endpoints, EndpointSubset, Event, Service } from '../../kube/objects/core.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import type { EndpointSlice } from '../../kube/objects/networking.ts';
import { snapshotOf, stateOf } from '../../kube/store/state.ts';
import { createSliceMirroring } from './slice-mirroring.ts';

const now = new Date('2024-05-01T12:00:00Z');
const service = (spec: Partial<Service['spec']> = {}): Service => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'db', namespace: 'default', uid: 's' }, spec });
const http = [{ name: 'http', port: 80, protocol: 'TCP' as const }];
const at = (...ips: string[]): EndpointSubset => ({ addresses: ips.map((ip) => ({ ip })), ports: http });
const endpoints = (subsets: EndpointSubset[], meta: Partial<Endpoints['metadata']> = {}): Endpoints => ({ apiVersion: 'v1', kind: 'Endpoints', metadata: { name: 'db', namespace: 'default', uid: 'e', ...meta }, subsets });

const decide = (...objects: KubeObject[]) => createSliceMirroring().decide(snapshotOf(stateOf(1, objects.map((object) => deepFreeze(object)))), now);
const madeBy = (...objects: KubeObject[]) => decide(...objects).flatMap((write) => (write.verb === 'create' ? [write.object] : []));
const slices = (...objects: KubeObject[]) => madeBy(...objects).filter((object): object is EndpointSlice => object.kind === 'EndpointSlice');
const shape = (all: readonly EndpointSlice[]) => all.map(({ addressType, endpoints: list, ports }) => `${addressType} ${ports?.map(({ port }) => port)} ${list.length}`);

const rows: readonly (readonly [name: string, objects: KubeObject[], slices: string[]])[] = [
  ['ESL-01, EPT-06: Endpoints of a Service without a selector are mirrored', [service(), endpoints([at('192.0.2.1')])], ['IPv4 80 1']],
  ['ESL-02, EPT-07: not with the skip label', [service(), endpoints([at('192.0.2.1')], { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } })], []],
  ['ESL-03, EPT-08: not a leader election', [service(), endpoints([at('192.0.2.1')], { annotations: { 'control-plane.alpha.kubernetes.io/leader': '{}' } })], []],
  ['ESL-04, EPT-09: not without a Service', [endpoints([at('192.0.2.1')])], []],
  ['ESL-05, EPT-10: not for a Service with a selector', [service({ selector: { app: 'db' } }), endpoints([at('192.0.2.1')])], []],
  ['ESL-06, EPT-12: at most a thousand addresses of a subset', [service(), endpoints([at(...Array.from({ length: 1200 }, (_, i) => `10.1.${i >> 8}.${i & 255}`))])], ['IPv4 80 1000']],
  ['ESL-08, EPT-11: two subsets of two families are four slices', [service(), endpoints([at('192.0.2.1', '2001:db8::1'), { ...at('192.0.2.2', '2001:db8::2'), ports: [{ name: 'x', port: 81 }] }])], ['IPv4 80 1', 'IPv6 80 1', 'IPv4 81 1', 'IPv6 81 1']],
  ['ESL-14: subsets with the same ports share a slice', [service(), endpoints([at('192.0.2.1'), at('192.0.2.2')])], ['IPv4 80 2']],
];

for (const [name, objects, expected] of rows) {
  test(name, () => assert.deepEqual(shape(slices(...objects)), expected));
}

test('ESL-10, ESL-13, EPT-13: labels, owner, and what is not copied', () => {
  const annotations = { note: 'x', 'endpoints.kubernetes.io/last-change-trigger-time': 't', 'kubectl.kubernetes.io/last-applied-configuration': '{}' };
  const [slice] = slices(service(), endpoints([at('192.0.2.1')], { labels: { team: 'red' }, annotations }));
  assert.deepEqual(slice?.metadata.labels, {
    team: 'red',
    'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
    'kubernetes.io/service-name': 'db',
  });
  assert.deepEqual(slice?.metadata.annotations, { note: 'x' });
  assert.deepEqual([slice?.metadata.ownerReferences?.[0]?.kind, slice?.metadata.ownerReferences?.[0]?.controller], ['Endpoints', true]);
});

test('ESL-11, ESL-12, EPT-13: readiness, names and canonical addresses', () => {
  const subset: EndpointSubset = { addresses: [{ ip: '2001:DB8::0:1', hostname: 'h', nodeName: 'n' }], notReadyAddresses: [{ ip: '2001:db8::2' }], ports: http };
  assert.deepEqual(slices(service(), endpoints([subset]))[0]?.endpoints, [
    { addresses: ['2001:db8::1'], conditions: { ready: true }, hostname: 'h', nodeName: 'n' },
    { addresses: ['2001:db8::2'], conditions: { ready: false } },
  ]);
});

test('ESL-07, ESL-09, EPT-12: what is left out is told by an event', () => {
  const many = Array.from({ length: 1002 }, (_, i) => `10.1.${i >> 8}.${i & 255}`);
  const events = madeBy(service(), endpoints([at(...many), at('nowhere')])).filter((object): object is Event => object.kind === 'Event');
  assert.deepEqual(events.map(({ reason, message }) => `${reason}: ${message}`), [
    'TooManyAddressesToMirror: A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 2 addresses were skipped',
    'InvalidIPAddress: Skipped 1 invalid IP addresses when mirroring to EndpointSlices',
  ]);
});

const mirrored = () => slices(service(), endpoints([at('192.0.2.1')]))[0]!;

test('ESL-15, EPT-13: without its Endpoints or its Service a mirrored slice goes; another maker’s stays', () => {
  const theirs = { ...mirrored(), metadata: { ...mirrored().metadata, name: 'theirs', labels: { 'kubernetes.io/service-name': 'db' } } };
  const gone = (...objects: KubeObject[]) => decide(...objects).map((write) => (write.verb === 'delete' ? write.target.name : write.verb));
  assert.deepEqual(gone(service(), mirrored(), theirs), [mirrored().metadata.name]);
  assert.deepEqual(gone(endpoints([at('192.0.2.1')]), mirrored(), theirs), [mirrored().metadata.name]);
});

test('ESL-16, EPT-13: changed ports update the slice that is there', () => {
  const writes = decide(service(), endpoints([{ ...at('192.0.2.1'), ports: [{ name: 'http', port: 81 }] }]), mirrored());
  assert.deepEqual(writes.map(({ verb }) => verb), ['update']);
});

test('ESL-17: of two equal slices the first stays', () => {
  const twin = { ...mirrored(), metadata: { ...mirrored().metadata, name: 'db-zzzzz' } };
  const writes = decide(service(), endpoints([at('192.0.2.1')]), mirrored(), twin);
  assert.deepEqual(writes.map((write) => (write.verb === 'delete' ? write.target.name : write.verb)), ['db-zzzzz']);
});
