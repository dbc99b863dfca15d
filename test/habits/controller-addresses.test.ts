// The life of Service ranges and of the addresses in use.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kind } from '../../src/kube/kinds/kind.ts';
import { createIpAddresses } from '../../src/control/controllers/ip-addresses.ts';
import { endpointSliceKind } from '../../src/kube/kinds/endpoint-slice.ts';
import { eventKind } from '../../src/kube/kinds/event.ts';
import { ipAddressKind } from '../../src/kube/kinds/ip-address.ts';
import { serviceCidrKind } from '../../src/kube/kinds/service-cidr.ts';
import { serviceKind } from '../../src/kube/kinds/service.ts';
import { defaultRangeName } from '../../src/kube/kinds/service/ranges.ts';
import type { Event } from '../../src/kube/objects/core.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { createControllers } from '../../src/control/controllers/controllers.ts';
import { apiObjects, apiServiceOf, dnsAddress } from '../../src/main/bootstrap-objects.ts';
import { completeDescription } from '../../src/ui/config/cluster-description.ts';
import { createWorld, namespace, service, testOptions, type World } from './controller-world.ts';

async function worldWith(...objects: KubeObject[]): Promise<World> {
  const world = createWorld();
  await world.add(namespace('default'));
  await world.rest();
  await world.add(...objects);
  await world.rest();
  return world;
}

const range = (name: string, ...cidrs: string[]) => ({ apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name }, spec: { cidrs } }) as KubeObject;
const names = (world: World) => world.list(ipAddressKind).map(({ metadata }) => metadata.name);
const reasons = (world: World) => world.list(eventKind).map(({ reason }) => reason);
const condition = (world: World, name: string) => world.seen().get(serviceCidrKind, name)?.status?.conditions?.[0];
const target = (kind: string, name: string) => ({ apiVersion: kind === 'Service' ? 'v1' : 'networking.k8s.io/v1', kind, name, ...(kind === 'Service' && { namespace: 'default' }) });

test('IPAM-40, IPAM-42: the default range is there, ready, and comes back when it is removed', async () => {
  const world = await worldWith();
  assert.deepEqual(world.list(serviceCidrKind).map(({ metadata }) => metadata.name), [defaultRangeName]);
  assert.equal(condition(world, defaultRangeName)?.message, 'Kubernetes Service CIDR is ready');
  await world.store.write({ verb: 'delete', target: target('ServiceCIDR', defaultRangeName) });
  await world.pass(20);
  assert.equal(world.seen().get(serviceCidrKind, defaultRangeName)?.metadata.deletionTimestamp, undefined);
});

test('SVC-58: Service default/kubernetes has the first address and leads to the API servers; removed, it comes back the same', async () => {
  const description = completeDescription({ serviceCIDRs: testOptions.serviceCIDRs });
  const world = createWorld(createControllers({ ...testOptions, apiService: apiServiceOf(apiObjects(description, 6443)) }));
  await world.add(namespace('default'));
  await world.rest();
  const shown = () => {
    const { clusterIP, ports } = world.seen().get(serviceKind, 'kubernetes', 'default')!.spec;
    return [clusterIP, ports?.map(({ name, port }) => `${name} ${port}`), world.list(endpointSliceKind).map(({ endpoints, ports: [port] = [] }) => `${endpoints[0]?.addresses[0]}:${port?.port}`)];
  };
  const expected = ['10.96.0.1', ['https 443'], ['172.30.0.10:6443']];
  assert.deepEqual(shown(), expected);
  await world.store.write({ verb: 'delete', target: target('Service', 'kubernetes') });
  await world.rest();
  assert.deepEqual(shown(), expected);
});

test('SVC-59: cluster DNS takes the tenth address, which no Service gets that asks for none', async () => {
  assert.equal(dnsAddress(completeDescription({ serviceCIDRs: ['10.96.0.0/12'] })), '10.96.0.10');
  const world = await worldWith(...Array.from({ length: 50 }, (_, i) => service(`s${i}`)));
  const given = world.list(serviceKind).map(({ spec }) => spec.clusterIP!);
  assert.ok(given.every((ip) => !ip.startsWith('10.96.0.')), given.join());
});

test('SVC-60: of two Services with one address, as old objects may be, the younger is told', async () => {
  const world = await worldWith(service('old', { clusterIP: '10.96.0.7' }));
  world.now = new Date(world.now.getTime() + 60_000);
  await world.add(service('young', { clusterIP: '10.96.0.8' }));
  const young = world.seen().get(serviceKind, 'young', 'default')!;
  const twice = { ...young, spec: { ...young.spec, clusterIP: '10.96.0.7', clusterIPs: ['10.96.0.7'] } };
  const seen = world.seen();
  const services = seen.list(serviceKind).map((one) => (one === young ? twice : one));
  const writes = createIpAddresses().decide({ ...seen, get: (kind, name, space) => seen.get(kind, name, space), list: <T extends KubeObject>(kind: Kind<T>) => (kind.kind === 'Service' ? (services as unknown as readonly T[]) : seen.list(kind)) }, world.now);
  const events = writes.flatMap((write) => (write.verb === 'create' && write.object.kind === 'Event' ? [write.object as Event] : []));
  assert.deepEqual(events.map(({ reason, involvedObject }) => [reason, involvedObject.name]), [['ClusterIPAlreadyAllocated', 'young']]);
});

test('IPAM-32, IPAM-33: every cluster IP has its IPAddress, which goes with the Service', async () => {
  const world = await worldWith(service('web', { clusterIP: '10.96.0.7', ipFamilyPolicy: 'PreferDualStack' }), service('bare', { clusterIP: 'None' }));
  const [first, second, ...more] = world.list(ipAddressKind);
  assert.deepEqual(more, []);
  assert.equal(first!.metadata.name, '10.96.0.7');
  assert.deepEqual(first!.metadata.labels, { 'ipaddress.kubernetes.io/ip-family': 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' });
  assert.deepEqual(first!.spec?.parentRef, { resource: 'services', namespace: 'default', name: 'web' });
  assert.equal(second!.metadata.labels?.['ipaddress.kubernetes.io/ip-family'], 'IPv6');
  await world.store.write({ verb: 'delete', target: target('Service', 'web') });
  await world.rest();
  assert.deepEqual(names(world), []);
});

test('IPAM-43, IPAM-44: a further range extends what is handed out, once it is ready', async () => {
  const world = await worldWith();
  const outside = service('web', { clusterIP: '10.99.0.5' });
  await assert.rejects(world.store.write({ verb: 'create', object: outside }), /not in the valid range\. The range of valid IPs is 10\.96\.0\.0\/16/);
  await world.add(range('more', '10.99.0.0/24'), range('overlap', '10.99.0.0/25'));
  await assert.rejects(world.store.write({ verb: 'create', object: outside }), /not in the valid range/);
  await world.rest();
  await world.store.write({ verb: 'create', object: outside });
  await assert.rejects(world.store.write({ verb: 'create', object: service('two', { clusterIP: '10.99.0.5' }) }), /provided IP is already allocated/);
});

test('IPAM-41: other ranges than those of the stored default are told by an event, and change nothing', async () => {
  const world = createWorld(createControllers({ ...testOptions, serviceCIDRs: ['10.97.0.0/16'] }));
  await world.add(namespace('default'), range(defaultRangeName, '10.96.0.0/16'));
  await world.rest();
  const told = world.list(eventKind).filter(({ reason }) => reason === 'KubernetesDefaultServiceCIDRInconsistent');
  assert.deepEqual(told.map(({ type, message }) => [type, message]), [['Warning', 'The default ServiceCIDR 10.96.0.0/16 does not match the configured CIDRs 10.97.0.0/16']]);
  assert.deepEqual(world.seen().get(serviceCidrKind, defaultRangeName)?.spec?.cidrs, ['10.96.0.0/16']);
});

test('IPAM-17: a Service whose address lies in no range any more can go', async () => {
  const world = await worldWith(range('more', '10.99.0.0/24'));
  await world.add(service('web', { clusterIP: '10.99.0.5' }));
  await world.rest();
  await world.store.write({ verb: 'delete', target: target('ServiceCIDR', 'more') });
  const going = world.seen().get(serviceCidrKind, 'more')!;
  await world.store.write({ verb: 'update', object: { ...going, metadata: { ...going.metadata, finalizers: [] } } });
  await world.rest();
  assert.ok(reasons(world).includes('ClusterIPOutOfRange'));
  await world.store.write({ verb: 'delete', target: target('Service', 'web') });
  await world.rest();
  assert.deepEqual([world.seen().get(serviceKind, 'web', 'default'), names(world)], [undefined, []]);
});

test('IPAM-45, IPAM-46: a range stays while addresses need it, and goes ten seconds after another covers them', async () => {
  const world = await worldWith(range('more', '10.99.0.0/24'));
  await world.add(service('web', { clusterIP: '10.99.0.5' }));
  await world.rest();
  await world.store.write({ verb: 'delete', target: target('ServiceCIDR', 'more') });
  await world.pass(30);
  assert.deepEqual([condition(world, 'more')?.status, condition(world, 'more')?.reason], ['False', 'Terminating']);
  await assert.rejects(world.store.write({ verb: 'create', object: service('two', { clusterIP: '10.99.0.6' }) }), /not in the valid range/);
  await world.add(range('cover', '10.99.0.0/16'));
  await world.pass(20);
  assert.deepEqual(world.list(serviceCidrKind).map(({ metadata }) => metadata.name), ['cover', defaultRangeName]);
  assert.deepEqual(names(world), ['10.99.0.5']);
});

test('SVC-60, IPAM-48: a lost IPAddress is made again and the Service is told', async () => {
  const world = await worldWith(service('web', { clusterIP: '10.96.0.7' }));
  await world.pass(120);
  await world.store.write({ verb: 'delete', target: target('IPAddress', '10.96.0.7') });
  await world.rest();
  assert.deepEqual(names(world), ['10.96.0.7']);
  assert.ok(reasons(world).includes('ClusterIPNotAllocated'));
});

test('SVC-60, IPAM-49: a left-over IPAddress goes, wrong labels are put right, one made by hand is nobody’s business', async () => {
  const ip = (name: string, labels?: Record<string, string>) =>
    ({ apiVersion: 'networking.k8s.io/v1', kind: 'IPAddress', metadata: { name, labels }, spec: { parentRef: { resource: 'services', namespace: 'default', name: 'gone' } } }) as KubeObject;
  const world = await worldWith(service('web', { clusterIP: '10.96.0.7' }), ip('10.96.0.8', { 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' }), ip('10.96.0.9'));
  assert.deepEqual(names(world), ['10.96.0.7', '10.96.0.9']);
  const own = world.seen().get(ipAddressKind, '10.96.0.7')!;
  await world.store.write({ verb: 'update', object: { ...own, metadata: { ...own.metadata, labels: { 'ipaddress.kubernetes.io/ip-family': 'IPv6' } } } });
  await world.rest();
  assert.deepEqual(world.seen().get(ipAddressKind, '10.96.0.7')?.metadata.labels, own.metadata.labels);
});

test('SVC-61: an address outside all ranges keeps working and is reported', async () => {
  const world = await worldWith(range('more', '10.99.0.0/24'));
  await world.add(service('web', { clusterIP: '10.99.0.5' }));
  await world.rest();
  // As after a change of the configured range: the object is simply gone.
  const seen = world.seen().get(serviceCidrKind, 'more')!;
  await world.store.write({ verb: 'update', object: { ...seen, metadata: { ...seen.metadata, finalizers: [] } } });
  await world.store.write({ verb: 'delete', target: target('ServiceCIDR', 'more') });
  await world.rest();
  assert.ok(reasons(world).includes('ClusterIPOutOfRange'));
  assert.equal(world.seen().get(serviceKind, 'web', 'default')?.spec.clusterIP, '10.99.0.5');
});
