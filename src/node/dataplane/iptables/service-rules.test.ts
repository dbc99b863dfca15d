// What single Services look like in iptables' own words; the whole of a simple one is in test/kernel/iptables-save.golden.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Endpoint, NetworkModel, ServicePort, VirtualAddress } from '../../../model/network-model.ts';
import { chainName } from '../../iptables/chain-names.ts';
import { diffTables } from '../../iptables/diff.ts';
import { printChanges } from '../../iptables/print.ts';
import { createIptablesRenderer } from './render-iptables.ts';

const origin = { kind: 'Service', namespace: 'ns1', name: 'svc1' };
const endpoint = (address: string, node: string): Endpoint => ({ address, port: 80, node, local: node === 'a', origin });
const [here, there] = [endpoint('10.180.0.1', 'a'), endpoint('10.180.1.1', 'b')];
const clusterIP: VirtualAddress = { type: 'clusterIP', address: '172.30.0.41', port: 80, localOnly: false };
const nodePort: VirtualAddress = { type: 'nodePort', port: 3001, localOnly: false };
const balanced: VirtualAddress = { type: 'loadBalancer', address: '1.2.3.4', port: 80, localOnly: false };
const service = (over: Partial<ServicePort>): ServicePort => ({ key: 'ns1/svc1:p80/tcp/4', family: 4, protocol: 'TCP', virtual: [clusterIP], endpoints: [here, there], origin, ...over });

const self = { name: 'a', ips: ['192.168.0.2'], podCIDRs: ['10.180.0.0/24'], peers: [], announces: [] };
const ranges = { podCIDRs: ['10.180.0.0/16'], serviceCIDRs: ['172.30.0.0/16'], nodePortAddresses: [] };
const rulesOf = (...ports: ServicePort[]) => createIptablesRenderer()({ self, ranges, services: new Map(ports.map((port) => [port.key, port])), hostPorts: new Map(), policies: new Map() } as unknown as NetworkModel)[4];

const named = (kind: 'SVC' | 'SVL' | 'EXT' | 'FW') => chainName(kind, 'ns1/svc1:p80tcp');
const [svc, svl, ext, fw] = (['SVC', 'SVL', 'EXT', 'FW'] as const).map(named);
const [sepHere, sepThere] = [here, there].map(({ address, port }) => chainName('SEP', `ns1/svc1:p80tcp${address}:${port}`));
const nothing = rulesOf();

/** The rules of one chain as iptables-restore reads them, without those that are there anyway. */
function chainOf(port: ServicePort, table: 'nat' | 'filter', chain: string): string[] {
  const rules = rulesOf(port);
  const lines = printChanges(table, 4, diffTables(nothing[table], rules[table], 4)).split('\n').filter((line) => line.startsWith(`-A ${chain} `));
  const usual = new Set(printChanges(table, 4, diffTables({ hooks: [], chains: new Map() }, nothing[table], 4)).split('\n'));
  return lines.filter((line) => !usual.has(line)).map((line) => line.slice(chain.length + 4));
}

const rows: readonly (readonly [about: string, over: Partial<ServicePort>, where: readonly [table: 'nat' | 'filter', chain: string], rules: readonly string[]])[] = [
  ['PROXY-47: clients that are remembered stand before the choice', { stickySeconds: 10_800 }, ['nat', svc!], [
    '-m comment --comment "ns1/svc1:p80 cluster IP" -d 172.30.0.41/32 -p tcp --dport 80 -j KUBE-MARK-FOREIGN',
    `-m comment --comment "ns1/svc1:p80 -> 10.180.0.1:80" -m recent --name ${sepHere} --rcheck --seconds 10800 --reap --rsource -j ${sepHere}`,
    `-m comment --comment "ns1/svc1:p80 -> 10.180.1.1:80" -m recent --name ${sepThere} --rcheck --seconds 10800 --reap --rsource -j ${sepThere}`,
    `-m comment --comment "ns1/svc1:p80 -> 10.180.0.1:80" -m statistic --mode random --probability 0.5000000000 -j ${sepHere}`,
    `-m comment --comment "ns1/svc1:p80 -> 10.180.1.1:80" -j ${sepThere}`,
  ]],
  ['PROXY-47: and each endpoint remembers who came', { stickySeconds: 10_800 }, ['nat', sepThere!], [
    `-m comment --comment "ns1/svc1:p80" -p tcp -m recent --name ${sepThere} --set --rsource -j DNAT --to-destination 10.180.1.1:80`,
  ]],
  ['PROXY-48: under Local, pods and the node itself keep the cluster’s endpoints, then the local ones follow', { virtual: [clusterIP, { ...nodePort, localOnly: true }], localEndpoints: [here] }, ['nat', ext!], [
    '-m comment --comment "pod traffic for ns1/svc1:p80 external destinations" -s 10.180.0.0/16 -j KUBE-MARK-FOREIGN',
    `-m comment --comment "pod traffic for ns1/svc1:p80 external destinations" -s 10.180.0.0/16 -j ${svc}`,
    `-m comment --comment "route LOCAL traffic for ns1/svc1:p80 external destinations" -m addrtype --src-type LOCAL -j ${svc}`,
    `-j ${svl}`,
  ]],
  ['PROXY-49: under Cluster, who comes from outside is marked, then goes on', { virtual: [clusterIP, nodePort] }, ['nat', ext!], [
    '-m comment --comment "masquerade traffic for ns1/svc1:p80 external destinations" -j KUBE-MARK-FOREIGN',
    `-j ${svc}`,
  ]],
  ['PROXY-52: the health check node port is let in', { virtual: [clusterIP, { ...balanced, localOnly: true }], localEndpoints: [here], healthCheckNodePort: 30_000 }, ['filter', 'KUBE-NODEPORTS'], [
    '-m comment --comment "ns1/svc1:p80 health check node port" -p tcp --dport 30000 -j ACCEPT',
  ]],
  ['PROXY-53: no endpoints: the cluster IP rejects', { endpoints: [] }, ['filter', 'KUBE-SERVICES'], [
    '-m comment --comment "ns1/svc1:p80 has no endpoints" -d 172.30.0.41/32 -p tcp --dport 80 -j REJECT --reject-with tcp-reset',
  ]],
  ['PROXY-53: no endpoints: external addresses reject', { virtual: [clusterIP, balanced], endpoints: [] }, ['filter', 'KUBE-EXTERNAL-SERVICES'], [
    '-m comment --comment "ns1/svc1:p80 has no endpoints" -d 1.2.3.4/32 -p tcp --dport 80 -j REJECT --reject-with tcp-reset',
  ]],
  ['PROXY-53: none of the endpoints here, and a policy Local: dropped', { virtual: [clusterIP, { ...balanced, localOnly: true }], endpoints: [there], localEndpoints: [] }, ['filter', 'KUBE-EXTERNAL-SERVICES'], [
    '-m comment --comment "ns1/svc1:p80 has no local endpoints" -d 1.2.3.4/32 -p tcp --dport 80 -j DROP',
  ]],
  ['PROXY-54: internal Local: the cluster IP leads to the local endpoints', { virtual: [{ ...clusterIP, localOnly: true }], localEndpoints: [here] }, ['nat', 'KUBE-SERVICES'], [
    `-m comment --comment "ns1/svc1:p80 cluster IP" -d 172.30.0.41/32 -p tcp --dport 80 -j ${svl}`,
  ]],
  ['PROXY-54: which are those of this node alone', { virtual: [{ ...clusterIP, localOnly: true }], localEndpoints: [here] }, ['nat', svl!], [
    '-m comment --comment "ns1/svc1:p80 cluster IP" -d 172.30.0.41/32 -p tcp --dport 80 -j KUBE-MARK-FOREIGN',
    `-m comment --comment "ns1/svc1:p80 -> 10.180.0.1:80" -j ${sepHere}`,
  ]],
  ['PROXY-54: internal Local without local endpoints: dropped', { virtual: [{ ...clusterIP, localOnly: true }], endpoints: [there], localEndpoints: [] }, ['filter', 'KUBE-SERVICES'], [
    '-m comment --comment "ns1/svc1:p80 has no local endpoints" -d 172.30.0.41/32 -p tcp --dport 80 -j DROP',
  ]],
  ['PROXY-58: source ranges pass, and the node itself', { virtual: [clusterIP, balanced], allowedSources: ['203.0.113.0/25', '198.51.100.0/24'] }, ['nat', fw!], [
    `-m comment --comment "ns1/svc1:p80 loadbalancer IP" -s 198.51.100.0/24 -j ${ext}`,
    `-m comment --comment "ns1/svc1:p80 loadbalancer IP" -s 203.0.113.0/25 -j ${ext}`,
    `-m comment --comment "ns1/svc1:p80 loadbalancer IP" -m addrtype --src-type LOCAL -j ${ext}`,
  ]],
  ['PROXY-58: the address leads through the firewall', { virtual: [balanced], allowedSources: ['203.0.113.0/25'] }, ['nat', 'KUBE-SERVICES'], [
    `-m comment --comment "ns1/svc1:p80 loadbalancer IP" -d 1.2.3.4/32 -p tcp --dport 80 -j ${fw}`,
  ]],
  ['PROXY-58: who did not pass is dropped', { virtual: [balanced], allowedSources: ['203.0.113.0/25'] }, ['filter', 'KUBE-PROXY-FIREWALL'], [
    `-m comment --comment "ns1/svc1:p80 traffic not accepted by ${fw}" -d 1.2.3.4/32 -p tcp --dport 80 -j DROP`,
  ]],
];

for (const [about, over, [table, chain], rules] of rows) {
  test(about, () => assert.deepEqual(chainOf(service(over), table, chain), rules));
}
