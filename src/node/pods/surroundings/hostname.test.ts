import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod, PodSpec } from '../../../kube/objects/core.ts';
import { podHosts, podNames } from './hostname.ts';

const pod = (name: string, spec: Partial<PodSpec> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'my-namespace' },
  spec: { containers: [], ...spec },
});
const names = (subject: Pod) => podNames(subject, 'cluster.local', 'node1');

test('HN-01: the hostname is the pod\'s name', () => assert.equal(names(pod('web-0')).hostname, 'web-0'));
test('HN-02: spec.hostname overrides it', () => assert.equal(names(pod('web-0', { hostname: 'my-host' })).hostname, 'my-host'));
test('HN-03, HN-07: a subdomain adds the full name, the hostname stays short', () => {
  const found = names(pod('busybox1', { hostname: 'foo', subdomain: 'bar' }));
  assert.deepEqual(found, { hostname: 'foo', short: 'foo', fqdn: 'foo.bar.my-namespace.svc.cluster.local' });
});
test('HN-04: a long name is cut to 63 characters and does not end in a dash or dot', () => {
  assert.equal(names(pod(`${'a'.repeat(62)}-${'b'.repeat(7)}`)).hostname, 'a'.repeat(62));
});
test('HN-06: setHostnameAsFQDN makes the full name the hostname; without subdomain it has no effect', () => {
  assert.equal(names(pod('foo', { subdomain: 'bar', setHostnameAsFQDN: true })).hostname, 'foo.bar.my-namespace.svc.cluster.local');
  assert.equal(names(pod('foo', { setHostnameAsFQDN: true })).hostname, 'foo');
});
test('HN-08: a full name of 64 characters is the longest that fits', () => {
  const room = 64 - '.bar.my-namespace.svc.cluster.local'.length;
  const long = (length: number) => names(pod('p', { hostname: 'h'.repeat(length), subdomain: 'bar', setHostnameAsFQDN: true }));
  assert.equal(long(room).hostname.length, 64);
  assert.throws(() => long(room + 1), /is too long \(64 characters is the max, 65 characters requested\)/);
});
test('HN-13: a host-network pod is called as its node', () => assert.equal(names(pod('p', { hostNetwork: true })).hostname, 'node1'));

test('HN-05: hosts lists every address of the pod with full and short name, then the aliases', () => {
  const subject = pod('p', { hostname: 'foo', subdomain: 'bar', hostAliases: [{ ip: '1.2.3.4', hostnames: ['a.test', 'b.test'] }] });
  const lines = podHosts(subject, names(subject), ['10.0.0.2', 'fd00::2']).split('\n');
  assert.ok(lines.includes('127.0.0.1\tlocalhost'));
  assert.ok(lines.includes('10.0.0.2\tfoo.bar.my-namespace.svc.cluster.local\tfoo'));
  assert.ok(lines.includes('fd00::2\tfoo.bar.my-namespace.svc.cluster.local\tfoo'));
  assert.equal(lines.at(-2), '1.2.3.4\ta.test\tb.test');
});
test('without a subdomain hosts holds only the short name', () => {
  assert.match(podHosts(pod('p'), names(pod('p')), ['10.0.0.2']), /^10\.0\.0\.2\tp$/m);
});
