import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodSpec } from '../../../kube/objects/core.ts';
import { parseResolvConf, podResolver, printResolvConf, type ResolverSource } from './resolv-conf.ts';

const pod = (spec: Partial<PodSpec>, namespace = 'ns'): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace },
  spec: { containers: [], ...spec },
});
const node = parseResolvConf('nameserver 192.168.0.1\nsearch corp.example\noptions timeout:2\n');
const source: ResolverSource = { clusterDns: ['10.32.0.10'], clusterDomain: 'cluster.local' };
const file = (spec: Partial<PodSpec>, from: ResolverSource = source) => printResolvConf(podResolver(pod(spec), from).settings);

const clusterFile = 'nameserver 10.32.0.10\nsearch ns.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n';
const nodeFile = 'nameserver 192.168.0.1\nsearch corp.example\noptions timeout:2\n';

const rows: [name: string, spec: Partial<PodSpec>, from: ResolverSource, expected: string][] = [
  ['RES-20: the usual file', {}, source, clusterFile],
  ['RES-02: Default is the node\'s own file', { dnsPolicy: 'Default' }, { ...source, node }, nodeFile],
  [
    'RES-03: the node\'s searches follow the cluster\'s',
    { dnsPolicy: 'ClusterFirst' },
    { ...source, node },
    'nameserver 10.32.0.10\nsearch ns.svc.cluster.local svc.cluster.local cluster.local corp.example\noptions ndots:5\n',
  ],
  ['RES-04: a host-network pod with ClusterFirst gets the node\'s file', { hostNetwork: true }, { ...source, node }, nodeFile],
  ['RES-23: ClusterFirstWithHostNet gives it cluster DNS', { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' }, source, clusterFile],
  [
    'RES-21: with None only dnsConfig counts',
    {
      dnsPolicy: 'None',
      dnsConfig: {
        nameservers: ['192.0.2.1'],
        searches: ['ns1.svc.cluster-domain.example', 'my.dns.search.suffix'],
        options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
      },
    },
    source,
    'nameserver 192.0.2.1\nsearch ns1.svc.cluster-domain.example my.dns.search.suffix\noptions ndots:2 edns0\n',
  ],
  [
    'RES-22: an IPv6 cluster DNS address',
    {},
    { clusterDns: ['2001:db8:30::a'], clusterDomain: 'cluster-domain.example' },
    'nameserver 2001:db8:30::a\nsearch ns.svc.cluster-domain.example svc.cluster-domain.example cluster-domain.example\noptions ndots:5\n',
  ],
  [
    'RES-08, RES-10: base first, duplicates once, an option of the pod replaces the base\'s',
    { dnsConfig: { nameservers: ['10.32.0.10', '1.1.1.1'], searches: ['svc.cluster.local', 'x.test'], options: [{ name: 'ndots', value: '2' }] } },
    source,
    'nameserver 10.32.0.10\nnameserver 1.1.1.1\nsearch ns.svc.cluster.local svc.cluster.local cluster.local x.test\noptions ndots:2\n',
  ],
  ['RES-17: without any node resolver the pod asks itself', { dnsPolicy: 'Default' }, source, 'nameserver 127.0.0.1\nsearch .\n'],
];

for (const [name, spec, from, expected] of rows) test(name, () => assert.equal(file(spec, from), expected));

test('RES-12: a fourth nameserver is left out and the event names those applied', () => {
  const { settings, warnings } = podResolver(pod({ dnsConfig: { nameservers: ['1.0.0.1', '1.0.0.2', '1.0.0.3'] } }), source);
  assert.deepEqual(settings.nameservers, ['10.32.0.10', '1.0.0.1', '1.0.0.2']);
  assert.equal(warnings[0]?.reason, 'DNSConfigForming');
  assert.match(warnings[0]!.message, /the applied nameserver line is: 10.32.0.10 1.0.0.1 1.0.0.2$/);
});

test('RES-13: the 33rd search domain and overlong domains are left out', () => {
  const many = Array.from({ length: 30 }, (_, i) => `s${i}.test`);
  const merged = podResolver(pod({ dnsConfig: { searches: many } }), source);
  assert.equal(merged.settings.searches.length, 32);
  assert.equal(merged.settings.searches.at(-1), 's28.test');
  assert.match(merged.warnings[0]!.message, /^Search Line limits were exceeded/);
  const overlong = podResolver(pod({ dnsConfig: { searches: ['a'.repeat(254), 'b.test'] } }), source);
  assert.equal(overlong.settings.searches.at(-1), 'b.test');
});

test('RES-16: without a cluster DNS address the pod gets the node\'s file and a warning', () => {
  const { settings, warnings } = podResolver(pod({}), { clusterDns: [], clusterDomain: 'cluster.local', node });
  assert.equal(printResolvConf(settings), nodeFile);
  assert.equal(warnings[0]?.reason, 'MissingClusterDNS');
});

test('RES-14: of the node\'s file nameservers add up, the last search and options win, comments do not count', () => {
  const text = '# one\nnameserver 1.1.1.1 ; first\nsearch a.test\nnameserver ::1\nsearch b.test. .\noptions x\noptions ndots:3\n';
  assert.deepEqual(parseResolvConf(text), { nameservers: ['1.1.1.1', '::1'], searches: ['b.test', '.'], options: ['ndots:3'] });
});
