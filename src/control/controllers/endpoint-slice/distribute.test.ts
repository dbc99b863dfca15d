import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepFreeze } from '../../../base/data/freeze.ts';
import type { EndpointSlice, SliceEndpoint, SlicePort } from '../../../kube/objects/networking.ts';
import { distribute, type Distribution } from './distribute.ts';

const ports: SlicePort[] = [{ name: 'http', protocol: 'TCP', port: 8080 }];
const endpoint = (name: string, ready = true): SliceEndpoint => ({ addresses: [`ip-${name}`], conditions: { ready }, targetRef: { kind: 'Pod', namespace: 'default', name } });
const many = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => endpoint(`${prefix}${String(i).padStart(3, '0')}`));

const slice = (name: string, endpoints: SliceEndpoint[], of = ports, addressType: EndpointSlice['addressType'] = 'IPv4'): EndpointSlice =>
  deepFreeze({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name }, addressType, endpoints, ports: of });

const wanted = (endpoints: SliceEndpoint[], of = ports) => [{ addressType: 'IPv4' as const, ports: of, endpoints }];

/** `a:3 new:2 -b`: slices filled, made and removed. */
const plan = ({ fill, remove }: Distribution): string =>
  [...fill.map(({ of, endpoints }) => `${of?.metadata.name ?? 'new'}:${endpoints.length}`), ...remove.map(({ metadata }) => `-${metadata.name}`)].join(' ');

const a5 = many('a', 5);
const b5 = many('b', 5);
const c = (count: number) => many('c', count);

const rows: readonly (readonly [name: string, have: EndpointSlice[], want: SliceEndpoint[], plan: string])[] = [
  ['EPS-04, ESL-22: a hundred endpoints make one slice', [], many('x', 100), 'new:100'],
  ['EPS-04, ESL-22: one more makes a second', [], many('x', 101), 'new:100 new:1'],
  ['nothing changed, nothing is written', [slice('a', a5)], a5, ''],
  ['EPS-29, ESL-41: an endpoint that is gone leaves its slice', [slice('a', a5), slice('b', b5)], [...a5, ...b5.slice(1)], 'b:4'],
  ['EPS-29, ESL-41: a slice whose endpoints are all gone is removed', [slice('a', a5), slice('b', b5)], a5, '-b'],
  ['ESL-56: a condition changes in place', [slice('a', a5), slice('b', b5)], [endpoint('a000', false), ...a5.slice(1), ...b5], 'a:5'],
  ['EPS-30, ESL-42: new ones go where something changes anyway', [slice('a', a5), slice('b', b5)], [...a5, ...b5.slice(1), ...c(3)], 'b:7'],
  ['EPS-30, ESL-42: the fullest of the changed slices is filled first', [slice('a', many('a', 90)), slice('b', b5)], [...many('a', 90).slice(1), ...b5.slice(1), ...c(11)], 'a:100 b:4'],
  ['EPS-31, ESL-43: what is left goes into the one slice that it fills best', [slice('a', many('a', 95)), slice('b', b5)], [...many('a', 95), ...b5, ...c(5)], 'a:100'],
  ['EPS-31, ESL-43: a slice that cannot take them all is left alone', [slice('a', many('a', 95)), slice('b', b5)], [...many('a', 95), ...b5, ...c(6)], 'b:11'],
  ['EPS-32, ESL-44: ten new ones and room for five in each of two slices: one new slice', [slice('a', many('a', 95)), slice('b', many('b', 95))], [...many('a', 95), ...many('b', 95), ...c(10)], 'new:10'],
  ['EPS-33, ESL-43: half-empty slices are not put together', [slice('a', a5), slice('b', b5)], [...a5.slice(0, 1), ...b5], 'a:1'],
  ['EPS-35: a double is dropped from the second slice', [slice('a', a5), slice('b', [...b5, ...a5.slice(0, 1)])], [...a5, ...b5], 'b:5'],
  ['EPS-34: other ports on all endpoints: the old object is used again', [slice('a', a5, [{ name: 'http', protocol: 'TCP', port: 9090 }])], a5, 'a:5'],
  ['EPS-27, ESL-35: nothing to serve: one placeholder', [], [], 'new:0'],
  ['EPS-27: one placeholder is enough', [slice('a', []), slice('b', [])], [], '-b'],
];

for (const [name, have, want, expected] of rows) {
  test(name, () => assert.equal(plan(distribute(wanted(want), have, { perSlice: 100 })), expected));
}

test('EPS-27, ESL-35, ESL-41: the last endpoint gone, its slice becomes the placeholder', () => {
  const { fill, remove } = distribute(wanted([], []), [slice('a', a5)], { perSlice: 100 });
  assert.deepEqual([fill.map(({ of, endpoints, ports }) => [of?.metadata.name, endpoints, ports]), remove], [[['a', [], []]], []]);
});

test('EPS-34: a slice is never used again for the other address family', () => {
  const gone = slice('six', many('s', 1), ports, 'IPv6');
  assert.equal(plan(distribute(wanted(a5), [gone], { perSlice: 100 })), 'new:5 -six');
});

test('ESL-22: another limit: 101 endpoints in slices of at most a thousand', () =>
  assert.equal(plan(distribute(wanted(many('x', 101)), [], { perSlice: 1000 })), 'new:101'));

test('ESL-42: a slice that is written for its labels takes the new ones, and no other is touched', () => {
  const [a, b] = [slice('a', a5), slice('b', b5)];
  assert.equal(plan(distribute(wanted([...a5, ...b5, ...c(3)]), [a, b], { perSlice: 100, isWritten: (one) => one === b })), 'b:8');
  assert.equal(plan(distribute(wanted([...a5, ...b5]), [a, b], { perSlice: 100, isWritten: (one) => one === b })), 'b:5');
});

test('the order in which ports are written does not matter', () => {
  const two: SlicePort[] = [...ports, { name: 'admin', protocol: 'TCP', port: 9000 }];
  assert.equal(plan(distribute(wanted(a5, two), [slice('a', a5, two.toReversed())], { perSlice: 100 })), '');
});
