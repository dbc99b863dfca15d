import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NetworkModel, NodeView, ServicePort } from '../../model/network-model.ts';
import { createFlowRenderer } from './render-flows.ts';
import { createWiringRenderer } from './render-wiring.ts';

const view: NodeView = {
  name: 'node1',
  ips: ['10.0.2.5', 'fd00:2::5'],
  podCIDRs: ['10.244.1.0/24', 'fd00:244:1::/64'],
  peers: [
    { name: 'node2', ips: ['10.0.2.15', 'fd00:2::15'], podCIDRs: ['10.244.2.0/24', 'fd00:244:2::/64'], origin: { kind: 'Node', name: 'node2' } },
    { name: 'old', ips: ['10.0.2.16'], podCIDRs: ['10.244.3.0/24', 'fd00:244:3::/64'], origin: { kind: 'Node', name: 'old' } },
  ],
  announces: ['10.0.3.1', 'fd00:3::1'],
};

describe('wiring of a node', () => {
  const { routes, neighbours, sysctls } = createWiringRenderer('eth0')({ self: view });

  test('each peer is the gateway to its pods, family by family, and the route names it', () => {
    assert.deepEqual(routes.get('10.244.2.0/24')?.via, '10.0.2.15');
    assert.deepEqual(routes.get('fd00:244:2::/64')?.via, 'fd00:2::15');
    assert.deepEqual(routes.get('10.244.2.0/24')?.origin, { kind: 'Node', name: 'node2' });
  });

  test('a range of a family in which the peer has no address gets no route', () => {
    assert.equal(routes.get('10.244.3.0/24')?.via, '10.0.2.16');
    assert.equal(routes.has('fd00:244:3::/64'), false);
  });

  test('own pods that do not exist are nowhere, instead of at the gateway', () => {
    assert.equal(routes.get('10.244.1.0/24')?.type, 'blackhole');
    assert.equal(routes.get('fd00:244:1::/64')?.type, 'blackhole');
  });

  test('LB addresses are drawn here: by ARP through a local route, by ND through a proxy entry', () => {
    assert.equal(routes.get('10.0.3.1/32')?.type, 'local');
    assert.equal(routes.get('fd00:3::1/128')?.type, 'local');
    assert.deepEqual([...neighbours.values()].map(({ address }) => address), ['fd00:3::1']);
    assert.deepEqual([...sysctls], [['net/ipv6/conf/eth0/proxy_ndp', '1']]);
  });

  test('the same view gives the same wiring', () => {
    const render = createWiringRenderer();
    assert.equal(render({ self: view }), render({ self: view }));
  });
});

describe('flows of a node', () => {
  const origin = { kind: 'Service', namespace: 'kube-system', name: 'kube-dns' };
  const dns = (over: Partial<ServicePort>): ServicePort => ({
    key: 'kube-system/kube-dns:dns/udp/4', family: 4, protocol: 'UDP', origin,
    virtual: [{ type: 'clusterIP', address: '10.96.0.10', port: 53, localOnly: false }, { type: 'nodePort', port: 30053, localOnly: true }, { type: 'externalIP', address: '198.51.100.32', port: 53, localOnly: true }, { type: 'loadBalancer', address: '198.51.100.7', port: 53, localOnly: true }],
    endpoints: [{ address: '10.244.2.2', port: 5353, local: false, origin }],
    localEndpoints: [{ address: '10.244.1.2', port: 5353, local: true, origin }],
    ...over,
  });
  const modelOf = (...ports: ServicePort[]): Pick<NetworkModel, 'self' | 'services' | 'hostPorts'> => ({ hostPorts: new Map(), self: view, services: new Map(ports.map((port) => [port.key, port])) });

  test('PROXY-31: UDP services are listed by every address under which this node knows them, with all endpoints that serve', () => {
    const kept = [{ address: '10.244.3.2', port: 5353, local: false, origin }];
    const wishes = createFlowRenderer()(modelOf(dns({ keptEndpoints: kept }), dns({ key: 'kube-system/kube-dns:dns-tcp/tcp/4', protocol: 'TCP' })));
    assert.deepEqual([...wishes.keys()], ['UDP 10.96.0.10 53', 'UDP 10.0.2.5 30053', 'UDP 198.51.100.32 53', 'UDP 198.51.100.7 53']);
    const endpoints = ['10.244.2.2', '10.244.1.2', '10.244.3.2'].map((address) => ({ address, port: 5353 }));
    assert.deepEqual([...wishes.values()].map((each) => each.endpoints), [endpoints, endpoints, endpoints, endpoints]);
  });

  test('HPT-03: a host port of UDP is one more address that leads somewhere, as long as its pod is there', () => {
    const hostPort = dns({ key: 'pod/default/cache:53/udp/4', virtual: [{ type: 'hostPort', address: '10.0.2.5', port: 53, localOnly: false }], localEndpoints: undefined });
    const render = createFlowRenderer();
    assert.deepEqual([...render({ ...modelOf(), hostPorts: new Map([[hostPort.key, hostPort]]) }).keys()], ['UDP 10.0.2.5 53']);
    assert.deepEqual([...render(modelOf()).keys()], []);
  });

  test('what did not change keeps its identity, however new the objects around it', () => {
    const render = createFlowRenderer();
    assert.equal(render(modelOf(dns({}))), render(modelOf(dns({}))));
  });
});
