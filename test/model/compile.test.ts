// The compiler's promises beyond right answers: identity, purity, problems, size.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { snapshotOf, stateOf } from '../../src/kube/store/state.ts';
import { createCompiler } from '../../src/model/compile.ts';
import type { NetworkModel } from '../../src/model/network-model.ts';
import { findService } from '../../src/model/services/find-service.ts';
import { deriveSlices } from '../scenarios/run/derive-slices.ts';
import { type ShortObject, toManifests } from '../scenarios/run/short-objects.ts';
import { type Stagehand, createStagehand, fixtureOf } from '../scenarios/run/stage.ts';

/** Shows one state after another to the same compilers, slices derived. */
function playback(world: string): { show(...changes: ShortObject[]): NetworkModel } {
  const fixture = fixtureOf(world);
  const stagehand: Stagehand = createStagehand(fixture);
  let objects: readonly KubeObject[] = fixture.objects;
  let slices: readonly KubeObject[] = [];
  return {
    show(...changes) {
      objects = toManifests(changes, objects);
      slices = deriveSlices(objects, slices);
      const [model] = stagehand.show([...objects, ...slices]).models.values();
      return model as NetworkModel;
    },
  };
}

const web: ShortObject = { service: 'web', port: 80, target: 8080, selects: { app: 'web' } };
const other: ShortObject = { service: 'other', port: 80, selects: { app: 'client' } };
const policy = (name: string, ...peers: object[]): ShortObject => ({ policy: name, ingress: [{ from: peers }] });

test('what did not change keeps its identity; what changed does not', () => {
  const play = playback('two-nodes');
  const before = play.show(web, other);
  const same = play.show();
  for (const part of ['services', 'policies', 'self', 'names', 'listeners', 'problems', 'ranges'] as const) assert.equal(same[part], before[part], part);
  const after = play.show({ pod: 'web-1', ready: false });
  assert.notEqual(after.services, before.services);
  assert.notEqual(after.services.get('default/web:80/tcp/4'), before.services.get('default/web:80/tcp/4'));
  assert.equal(after.services.get('default/other:80/tcp/4'), before.services.get('default/other:80/tcp/4'));
  assert.equal(after.self, before.self);
});

test('a write that changes nothing the network means changes nothing in the model', () => {
  const play = playback('two-nodes');
  const before = play.show(web, policy('p', { podSelector: {} }));
  const after = play.show({ ...web, annotations: { touched: 'yes' } }, { node: 'a', labels: { heartbeat: '7' } }, { pod: 'web-2', hostname: 'w' });
  assert.equal(after.services, before.services);
  assert.equal(after.policies, before.policies);
  assert.equal(after.self, before.self);
});

test('NP-57: pods that one policy selects share its permits, and policies with the same selector share one peer list', () => {
  const { policies } = playback('policies').show(policy('x/one', { namespaceSelector: {}, podSelector: { matchLabels: { pod: 'b' } } }), {
    policy: 'x/two',
    ingress: [{ from: [{ namespaceSelector: {}, podSelector: { matchLabels: { pod: 'b' } } }], ports: [{ port: 80 }] }],
  });
  const [permits, more] = [...policies.values()].map(({ ingress }) => ingress);
  assert.ok(Array.isArray(permits) && permits.length === 2);
  assert.equal(more, undefined, 'node1 holds one pod of x');
  assert.deepEqual(permits.map(({ peers }) => peers.length), [6, 6]);
});

test('NP-57: a label change elsewhere leaves the policies of pods it does not concern alone', () => {
  const play = playback('policies');
  const before = play.show(policy('x/p', { podSelector: { matchLabels: { pod: 'b' } } }), policy('y/p', { podSelector: { matchLabels: { pod: 'b' } } }));
  const after = play.show({ pod: 'y/c', labels: { pod: 'b' } });
  assert.equal(after.policies.get('x/a'), before.policies.get('x/a'));
  assert.notEqual(after.policies.get('y/a'), before.policies.get('y/a'));
});

test('what an object says wrong is a problem with its name, and the rest goes on', () => {
  const { problems, services } = playback('two-nodes').show(
    { ...web, externalIPs: ['198.51.100.1', '10.96.0.9', '2001:db8::1', 'nonsense'], balancer: '198.51.100.9', loadBalancerSourceRanges: ['10.0.0.0/8', 'x/9'] },
    { ...other, externalIPs: ['198.51.100.1'], created: '2030-01-01T00:00:00Z' },
    policy('p', {}),
  );
  const said = problems.map(({ about, reason, message }) => `${about.kind} ${about.name} ${reason}: ${message}`);
  assert.deepEqual(said, [
    'Service web AddressIgnored: 10.96.0.9 lies inside the service range',
    'Service web AddressIgnored: 2001:db8::1 is IPv6, but the Service has no cluster IP of that family',
    'Service web AddressIgnored: nonsense is not an IP address',
    'Service web SourceRangeIgnored: x/9 is not an address range',
    'Service other AddressConflict: 198.51.100.1 port 80/TCP belongs to the older Service default/web',
    'NetworkPolicy p PolicyEntryIgnored: ingress: a peer names neither pods nor namespaces nor an ipBlock; the entry permits nothing',
  ]);
  assert.equal(services.size, 2);
});

test('HPT-05: a host port that somebody else has, or that no address of the node carries, is a problem of its pod', () => {
  const { problems, hostPorts } = playback('two-nodes').show(
    { ...web, nodePort: 30_080 },
    { pod: 'web-1', created: '2024-01-01T00:00:00Z', hostPorts: ['90=8080', '192.168.0.77:91=8080'] },
    { pod: 'client', created: '2024-01-02T00:00:00Z', hostPorts: ['30080=80', '192.168.0.1:90=80'] },
  );
  assert.deepEqual(problems.map(({ about, reason, message }) => `${about.kind} ${about.name} ${reason}: ${message}`), [
    'Pod web-1 HostPortIgnored: host port 91 is wanted on 192.168.0.77, which is no address of node a',
    'Pod client HostPortConflict: 192.168.0.1 port 30080/TCP belongs to Service default/web',
    'Pod client HostPortConflict: fd00:192:168::1 port 30080/TCP belongs to Service default/web',
    'Pod client HostPortConflict: 192.168.0.1 port 90/TCP belongs to Pod default/web-1',
  ]);
  assert.deepEqual([...hostPorts.keys()], ['pod/default/web-1:90/tcp/4', 'pod/default/web-1:90/tcp/6']);
});

test('host ports keep their identity while pods elsewhere and Services change', () => {
  const { show } = playback('two-nodes');
  const before = show({ pod: 'web-1', hostPorts: ['90=8080'] }, web).hostPorts;
  assert.equal(before.size, 2);
  assert.equal(show({ pod: 'web-2', ready: false }, { ...web, nodePort: 30_080 }).hostPorts, before);
});

test('HPT-07: a pod on the host network has its ports already', () => {
  const { hostPorts } = playback('two-nodes').show({ pod: 'agent', node: 'a', labels: {}, hostNetwork: true, hostPorts: ['90=90'] }, { pod: 'web-1', hostPorts: ['91=8080'] });
  assert.deepEqual([...hostPorts.keys()], ['pod/default/web-1:91/tcp/4', 'pod/default/web-1:91/tcp/6']);
});

test('CNI-14: where another network plug-in gives pods their addresses, host ports are its business', () => {
  const fixture = fixtureOf('two-nodes');
  const objects = toManifests([{ pod: 'web-1', hostPorts: ['90=8080'] }], fixture.objects);
  const sizes = [false, true].map((keepsPodSources) => createStagehand(fixture, { keepsPodSources }).show(objects).models.get('a')?.hostPorts.size);
  assert.deepEqual(sizes, [2, 0]);
});

test('HPT-13: a node port answers where the node is now, and no longer where it was', () => {
  const { show } = playback('two-nodes');
  const answers = (model: NetworkModel) => ['192.168.0.1', '192.168.0.9'].map((destination) => findService(model, { family: 4, protocol: 'TCP', source: '203.0.113.5', sourcePort: 1, destination, destinationPort: 30_080 }, 'outside').says);
  assert.deepEqual(answers(show({ ...web, nodePort: 30_080 })), ['endpoints', 'nothing']);
  assert.deepEqual(answers(show({ node: 'a', number: 9 })), ['nothing', 'endpoints']);
});

test('TOPO-41, PROXY-31: a UDP port names the far endpoint whose connections go on; a TCP port needs not', () => {
  const ports = [{ name: 'dns', port: 53, targetPort: 5353, protocol: 'UDP' }, { name: 'tcp', port: 53, targetPort: 5353, protocol: 'TCP' }];
  const play = playback('three-nodes');
  const seen = (model: NetworkModel) => [...model.services.values()].map(({ protocol, endpoints, keptEndpoints }) => [protocol, endpoints.length, keptEndpoints?.map(({ pod }) => pod?.name)]);
  const dns: ShortObject = { service: 'dns', ports, selects: { app: 'web' }, trafficDistribution: 'PreferClose' };
  assert.deepEqual(seen(play.show(dns)), [['UDP', 2, ['web-3']], ['TCP', 2, undefined]]);
  assert.deepEqual(seen(play.show({ pod: 'web-3', ready: false })), [['UDP', 2, undefined], ['TCP', 2, undefined]]);
});

test('a model is plain data: it survives JSON, but for its maps', () => {
  const { services } = playback('two-nodes').show({ ...web, nodePort: 30_080, externalTrafficPolicy: 'Local', sessionAffinity: 'ClientIP' });
  const [port] = [...services.values()];
  assert.deepEqual(JSON.parse(JSON.stringify(port)), port);
  assert.equal(port?.stickySeconds, 10_800);
  assert.deepEqual(port?.virtual.map(({ type, localOnly }) => [type, localOnly]), [['clusterIP', false], ['nodePort', true]]);
  assert.deepEqual(port?.localEndpoints?.map(({ pod }) => pod?.name), ['web-1']);
});

test('PROXY-40: primary are the first addresses of each family that the Node object has; of an unknown node none, not all', () => {
  const node = (name: string, ...addresses: string[]) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name }, status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) } }) as KubeObject;
  const seen = snapshotOf(stateOf(1, [node('a', '10.0.0.1', '10.0.0.2', 'fd00::1')]));
  const rangesOn = (name: string) => createCompiler({ node: name, clusterDomain: 'cluster.local', podCIDRs: [], serviceCIDRs: [], nodePortAddresses: ['primary'] })(seen).ranges.nodePortAddresses;
  assert.deepEqual(rangesOn('a'), ['10.0.0.1/32', 'fd00::1/128', '127.0.0.1/32']);
  assert.deepEqual(rangesOn('b'), ['127.0.0.1/32']);
});
