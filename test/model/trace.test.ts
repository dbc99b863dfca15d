// What a trace says besides its verdict: the hops, the cause of each, the chances.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printRef } from '../../src/kube/meaning/print-ref.ts';
import type { Outcome } from '../../src/model/packet.ts';
import { deriveSlices } from '../scenarios/run/derive-slices.ts';
import { outcomesOf } from '../scenarios/run/judges.ts';
import { parsePacketLine, probeOf } from '../scenarios/run/packet-lines.ts';
import { type ShortObject, toManifests } from '../scenarios/run/short-objects.ts';
import { createStagehand, fixtureOf } from '../scenarios/run/stage.ts';

function traces(line: string, ...objects: ShortObject[]): readonly Outcome[] {
  const fixture = fixtureOf('two-nodes');
  const all = toManifests(objects, fixture.objects);
  const stage = createStagehand(fixture).show([...all, ...deriveSlices(all)]);
  return parsePacketLine(line).flatMap((parsed) => outcomesOf(stage, probeOf(parsed, stage)));
}

const hopsOf = ({ trace }: Outcome): string[] => trace.hops.map(({ node, at, did, because }) => `${node} | ${at} | ${did}${because ? ` | ${printRef(because)}` : ''}`);

const web: ShortObject = { service: 'web', port: 80, target: 8080, nodePort: 30_080, selects: { app: 'web' } };

test('every outcome of a random choice has its chance, and they sum to one', () => {
  const outcomes = traces('client -> web:80', web);
  assert.deepEqual(outcomes.map(({ chance }) => chance), [0.5, 0.5]);
});

test('each hop says where, what and because of which object', () => {
  const ingress = [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }] }];
  const [here, there] = traces('client -> web:80', web, { policy: 'allow-client', podSelector: { matchLabels: { app: 'web' } }, ingress });
  assert.deepEqual(hopsOf(there as Outcome), [
    `a | service | DNAT to ${there?.trace.hops.at(-1)?.packet.destination}:8080 (web-2), one of 2 endpoints | Service default/web`,
    'a | route | sent to node b | Node b',
    'b | ingress policy | allowed by ingress rule | NetworkPolicy default/allow-client',
    'b | deliver | delivered to Pod default/web-2',
  ]);
  assert.equal(here?.trace.hops.length, 3);
});

test('a drop names a policy that isolates the pod', () => {
  const [only] = traces('client -> web-2:80', { policy: 'deny', policyTypes: ['Egress'] });
  assert.deepEqual(hopsOf(only as Outcome), ['a | egress policy | dropped: Pod default/client is isolated for egress and no rule allows it | NetworkPolicy default/deny']);
});

test('a masquerade shows in the packet as it left the hop, with the address of the node that made it', () => {
  const [, far] = traces('outside -> node a:30080', web);
  const sent = far?.trace.hops.find(({ at }) => at === 'route');
  assert.equal(sent?.packet.source, '192.168.0.1');
  assert.match(sent?.did ?? '', /sent to node b, masqueraded as 192\.168\.0\.1/);
});

test('a packet that two nodes would send to each other for ever is lost, not followed for ever', () => {
  const loop: ShortObject[] = [
    { service: 'loop', port: 80, nodePort: 30_090 },
    { slice: 'loop-1', of: 'loop', endpoints: [], ports: [{ name: '', port: 30_090, protocol: 'TCP' }] },
  ];
  const endpoints = ['192.168.0.1', '192.168.0.2'].map((ip) => ({ addresses: [ip], conditions: { ready: true } }));
  const outcomes = traces('client -> loop:80', ...loop.map((short) => ('slice' in short ? { ...short, endpoints } : short)));
  assert.ok(outcomes.some(({ trace }) => trace.verdict === 'unroutable'));
  assert.ok(Math.abs(outcomes.reduce((sum, { chance }) => sum + chance, 0) - 1) < 1e-9);
});
