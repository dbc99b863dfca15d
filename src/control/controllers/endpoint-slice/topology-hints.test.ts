import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Node, Service } from '../../../kube/objects/core.ts';
import type { SliceEndpoint } from '../../../kube/objects/networking.ts';
import { hintSlices } from './hint-slices.ts';
import { hintsFor, wantsTopologyHints } from './topology-hints.ts';
import { zoneRatios } from './zone-ratios.ts';

/** `a2 b1`: endpoints (or hints) by zone. */
const read = (text: string): [zone: string, count: number][] => text.split(' ').map((part) => [part[0]!, Number(part.slice(1))]);
let number = 0;
const endpoint = (zone: string | undefined, ready = true, hint?: string): SliceEndpoint => ({
  addresses: [`10.0.0.${number++ % 250}`],
  conditions: { ready },
  ...(zone && { zone }),
  ...(hint && { hints: { forZones: [{ name: hint }] } }),
});
const endpointsOf = (text: string): SliceEndpoint[] => read(text).flatMap(([zone, count]) => Array.from({ length: count }, () => endpoint(zone)));
const print = (slices: readonly (readonly SliceEndpoint[])[]): string => {
  const zones = slices.flat().flatMap(({ hints }) => hints?.forZones?.map(({ name }) => name) ?? []);
  return [...new Set(zones)].toSorted().map((zone) => `${zone}${zones.filter((each) => each === zone).length}`).join(' ');
};

const node = (zone: string | undefined, cpu: string, { ready = true, labels = {} }: { ready?: boolean; labels?: Record<string, string> } = {}): Node => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n', labels: { ...(zone && { 'topology.kubernetes.io/zone': zone }), ...labels } },
  status: { allocatable: { cpu }, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});
const zonesOf = (text: string) => zoneRatios(text.split(' ').map((part) => node(part[0], `${part.slice(1)}m`)));

const few = (endpoints: number, zones: number) => `Insufficient number of endpoints (${endpoints} endpoints, ${zones} zones)`;
const overloaded = (endpoints: number, zones: number) =>
  `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (${endpoints} endpoints, ${zones} zones)`;
const noInformation = 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';

const vectors: readonly (readonly [id: string, cpu: string, endpoints: string, hints: string, why?: string])[] = [
  ['TOPO-07', 'a2000 b1000', 'a1 b1', '', overloaded(2, 2)],
  ['TOPO-03', 'a2000 b1000', 'a2 b1', 'a2 b1'],
  ['TOPO-03, TOPO-04', 'a2000 b1000', 'a3 b3', 'a4 b2'],
  ['TOPO-03', 'a4500 b5500', 'a1 b1', 'a1 b1'],
  ['TOPO-06', 'a1000 b1000 c1000', 'a1 b1', '', few(2, 3)],
  ['TOPO-07', 'a1000 b1000 c1000', 'a2 b1 c1', '', overloaded(4, 3)],
  ['TOPO-07', 'a1000 b1000 c1000', 'a2 b2 c1', '', overloaded(5, 3)],
  ['TOPO-18', 'a1000 b1000 c1000', 'a7', 'a3 b2 c2'],
  ['TOPO-03', 'a1000 b1000 c1000', 'a4 b3 c2', 'a3 b3 c3'],
  ['TOPO-04', 'a1000 b1000 c1000', 'a9', 'a3 b3 c3'],
  ['TOPO-07', 'a1000 b1000 c1000', 'a4 b4', '', overloaded(8, 3)],
  ['TOPO-18', 'a3500 b3500 c3000', 'a5 b2 c3', 'a4 b3 c3'],
  ['TOPO-07', 'a1000 b1000', 'a2 b1', '', overloaded(3, 2)],
  ['TOPO-03', 'a9000 b1000', 'a5 b5', 'a9 b1'],
  ['TOPO-03', 'a4000 b2000 c2000', 'a8', 'a4 b2 c2'],
];
for (const [id, cpu, endpoints, hints, why] of vectors) {
  test(`${id}: zones ${cpu}, endpoints ${endpoints}: ${why ?? `hints ${hints}`}`, () => {
    const answer = hintsFor({ changing: [endpointsOf(endpoints)], resting: [], ratios: zonesOf(cpu) });
    assert.deepEqual([print(answer.changing), answer.disabled], [hints, why]);
  });
}

const nodes: readonly (readonly [about: string, nodes: Node[], expected: Record<string, number> | undefined])[] = [
  ['TOPO-08: a node without zone spoils it for all', [node('a', '1'), node('b', '1'), node(undefined, '1')], undefined],
  ['TOPO-08: so does one without CPU', [node('a', '1'), node('b', '0')], undefined],
  ['TOPO-09: a node that is not ready is not counted', [node('a', '1'), node('b', '1'), node(undefined, '1', { ready: false })], { a: 0.5, b: 0.5 }],
  ['TOPO-10: nor is one of the control plane, whatever the label says', [node('a', '3'), node('b', '1'), node(undefined, '8', { labels: { 'node-role.kubernetes.io/control-plane': 'false' } })], { a: 0.75, b: 0.25 }],
  ['TOPO-11: taints do not matter', [node('a', '1'), { ...node('b', '1'), spec: { taints: [{ key: 'only', effect: 'NoSchedule' }], unschedulable: true } }], { a: 0.5, b: 0.5 }],
  ['TOPO-27: regions do not matter', [node('a', '500m', { labels: { 'topology.kubernetes.io/region': 'x' } }), node('b', '500m')], { a: 0.5, b: 0.5 }],
  ['one zone is none to choose from', [node('a', '1'), node('a', '1')], undefined],
];
for (const [about, list, expected] of nodes) test(about, () => assert.deepEqual(zoneRatios(list) && Object.fromEntries(zoneRatios(list)!), expected));

test('TOPO-15: without ratios the reason is told, and hints are stripped from every slice', () => {
  const answer = hintsFor({ changing: [[endpoint('a', true, 'a')]], resting: [[endpoint('b', true, 'b')], [endpoint('b')]], ratios: undefined });
  assert.equal(answer.disabled, noInformation);
  assert.deepEqual([print(answer.changing), answer.resting.map((slice) => slice && print([slice]))], ['', ['', undefined]]);
});

test('TOPO-12, TOPO-13: unready endpoints neither count nor get hints; a ready one without zone ends hints for all', () => {
  const unready = hintsFor({ changing: [[...endpointsOf('a1 b1'), endpoint('a', false, 'a'), endpoint(undefined, false)]], resting: [], ratios: zonesOf('a1 b1') });
  assert.equal(print(unready.changing), 'a1 b1');
  const zoneless = hintsFor({ changing: [[...endpointsOf('a2 b2'), endpoint(undefined), endpoint('a')]], resting: [], ratios: zonesOf('a1 b1') });
  assert.deepEqual([zoneless.disabled, print(zoneless.changing)], ['One or more endpoints do not have a zone specified', '']);
});

test('TOPO-17: slices with valid hints rest; a zone that vanished, or one that is overfull, forces a rewrite', () => {
  const good = [endpoint('a', true, 'a'), endpoint('b', true, 'b')];
  const rest = hintsFor({ changing: [], resting: [good], ratios: zonesOf('a1 b1') });
  assert.deepEqual(rest, { changing: [], resting: [undefined] });
  const added = hintsFor({ changing: [endpointsOf('a1 b1')], resting: [good], ratios: zonesOf('a1 b1') });
  assert.deepEqual([print(added.changing), added.resting], ['a1 b1', [undefined]]);
  const gone = hintsFor({ changing: [], resting: [[endpoint('a', true, 'z'), endpoint('b', true, 'b')]], ratios: zonesOf('a1 b1') });
  assert.equal(print([gone.resting[0]!]), 'a1 b1');
  const overfull = hintsFor({ changing: [], resting: [[endpoint('a', true, 'a'), endpoint('b', true, 'a')]], ratios: zonesOf('a1 b1') });
  assert.equal(print([overfull.resting[0]!]), 'a1 b1');
});

test('TOPO-21: of 3 to 9 endpoints over three equal zones, 4, 5 and 8 can never be allotted', () => {
  const failing = [3, 4, 5, 6, 7, 8, 9].filter((count) => hintsFor({ changing: [endpointsOf(`a${count}`)], resting: [], ratios: zonesOf('a1 b1 c1') }).disabled);
  assert.deepEqual(failing, [4, 5, 8]);
});

test('TOPO-11: endpoints that are confined to one zone are allotted over all zones', () =>
  assert.equal(print(hintsFor({ changing: [endpointsOf('a6')], resting: [], ratios: zonesOf('a1 b1 c1') }).changing), 'a2 b2 c2'));

test('TOPO-22: allotment follows CPU, not traffic: a hot zone loads its own endpoints, and no others', () => {
  const { changing: [endpoints = []] } = hintsFor({ changing: [endpointsOf('a3 b3 c3')], resting: [], ratios: zonesOf('a1 b1 c1') });
  const requests: Record<string, number> = { a: 800, b: 100, c: 100 };
  const load = (zone: string) => requests[zone]! / endpoints.filter(({ hints }) => hints?.forZones?.some(({ name }) => name === zone)).length;
  assert.equal(Math.round(load('a') / load('b')), 8);
});

test('TOPO-19: each address type is decided by itself', () => {
  const fill = ([['IPv4', 'a1 b1'], ['IPv6', 'a1']] as const).map(([addressType, text]) => ({ addressType, ports: [], endpoints: endpointsOf(text) }));
  const { plan, news } = hintSlices({ fill, unchanged: [], remove: [] }, [], zonesOf('a1 b1'));
  assert.deepEqual(plan.fill.map(({ endpoints }) => print([endpoints])), ['a1 b1', '']);
  assert.deepEqual(news.map(({ addressType, state }) => [addressType, state]), [['IPv4', 'enabled'], ['IPv6', { disabled: few(1, 2) }]]);
});

const wishes: readonly (readonly [about: string, annotations: Record<string, string>, wants: boolean])[] = [
  ['TOPO-01: Auto', { 'service.kubernetes.io/topology-mode': 'Auto' }, true],
  ['TOPO-01: auto', { 'service.kubernetes.io/topology-mode': 'auto' }, true],
  ['TOPO-01: Disabled', { 'service.kubernetes.io/topology-mode': 'Disabled' }, false],
  ['TOPO-02: the older annotation wins', { 'service.kubernetes.io/topology-mode': 'Disabled', 'service.kubernetes.io/topology-aware-hints': 'Auto' }, true],
  ['TOPO-25: somebody else’s heuristic', { 'service.kubernetes.io/topology-mode': 'example.com/closest' }, false],
];
for (const [about, annotations, wants] of wishes) {
  test(about, () => assert.equal(wantsTopologyHints({ metadata: { name: 'web', annotations } } as unknown as Service), wants));
}
