import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint, ServicePort, VirtualAddress } from '../../model/network-model.ts';
import { connectFronts, createConnectRenderer } from './render-connect.ts';

const origin = { kind: 'Service', namespace: 'default', name: 'web' };
const endpoint = (address: string, local = false): Endpoint => ({ address, port: 8080, local, origin });
const [here, there] = [endpoint('10.244.1.2', true), endpoint('10.244.2.2')];
const clusterIP: VirtualAddress = { type: 'clusterIP', address: '10.96.0.1', port: 80, localOnly: false };
const balancer: VirtualAddress = { type: 'loadBalancer', address: '198.51.100.7', port: 80, localOnly: false };
const port = (part: Partial<ServicePort>): ServicePort => ({
  key: 'default/web:80/tcp/4',
  family: 4,
  protocol: 'TCP',
  virtual: [clusterIP],
  endpoints: [here, there],
  origin,
  ...part,
});

const local = { localOnly: true };
const rows: [says: string, part: Partial<ServicePort>, led: Record<string, string[]>][] = [
  ['KPX-05: a cluster IP leads to every usable endpoint', {}, { '10.96.0.1': ['10.244.1.2', '10.244.2.2'] }],
  ['ITP-02: under internal Local only to those of this node', { virtual: [{ ...clusterIP, ...local }], localEndpoints: [here] }, { '10.96.0.1': ['10.244.1.2'] }],
  ['ITP-03: Local without an endpoint here is dropped, which is for nftables to do', { virtual: [{ ...clusterIP, ...local }], localEndpoints: [] }, {}],
  ['KPX-10: so is the refusal of ports without endpoints', { endpoints: [] }, {}],
  ['KPX-36: external Local policies bind nobody inside', { virtual: [{ ...balancer, ...local }], localEndpoints: [here] }, { '198.51.100.7': ['10.244.1.2', '10.244.2.2'] }],
  ['KPX-44: source ranges depend on who asks: nftables knows', { virtual: [clusterIP, balancer], allowedSources: ['192.0.2.0/24'] }, { '10.96.0.1': ['10.244.1.2', '10.244.2.2'] }],
  ['node ports stay with nftables', { virtual: [{ type: 'nodePort', port: 30080, localOnly: false }] }, {}],
  ['so does SCTP', { protocol: 'SCTP' }, {}],
];

for (const [says, part, led] of rows) {
  test(says, () => {
    const fronts = connectFronts(port(part)).map(({ address, endpoints }) => [address, endpoints.map((each) => each.address)]);
    assert.deepEqual(Object.fromEntries(fronts), led);
  });
}

test('an entry that says the same keeps its identity; one that is gone leaves', () => {
  const render = createConnectRenderer();
  const first = render({ services: new Map([['a', port({})], ['b', port({ key: 'b' })]]) });
  const second = render({ services: new Map([['a', port({})], ['b', port({ key: 'b', endpoints: [here] })]]) });
  assert.equal(second.get('a'), first.get('a'));
  assert.notEqual(second.get('b'), first.get('b'));
  assert.deepEqual([...render({ services: new Map([['b', port({ key: 'b', endpoints: [here] })]]) }).keys()], ['b']);
});
