// Conditions, owners, quantities, percentages, addresses: the small shared words of objects.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepFreeze } from '../../base/data/freeze.ts';
import { addressWarnings, prefixWarnings, validateAddress, validateOrdinaryAddress, validatePrefix } from './rules/addresses.ts';
import { findCondition, isConditionTrue, removeCondition, setCondition } from './conditions.ts';
import { isPercent, scaledValue } from './int-or-string.ts';
import { controllerOf, controllerReference, isControlledBy, isOwnedBy } from './owner-references.ts';
import { compareQuantities, parseQuantity } from './quantity.ts';

const early = new Date('2026-01-01T00:00:00.500Z');
const late = new Date('2026-01-02T00:00:00Z');

test('a condition keeps its transition time until its status changes', () => {
  const first = deepFreeze(setCondition(undefined, { type: 'Ready', status: 'True', reason: 'A' }, early));
  assert.equal(first[0]?.lastTransitionTime, '2026-01-01T00:00:00Z');
  assert.equal(setCondition(first, { type: 'Ready', status: 'True', reason: 'A' }, late), first);
  const reworded = deepFreeze(setCondition(first, { type: 'Ready', status: 'True', reason: 'B' }, late));
  assert.deepEqual([reworded[0]?.reason, reworded[0]?.lastTransitionTime], ['B', '2026-01-01T00:00:00Z']);
  const flipped = setCondition(reworded, { type: 'Ready', status: 'False', reason: 'B' }, late);
  assert.equal(flipped[0]?.lastTransitionTime, '2026-01-02T00:00:00Z');
  assert.equal(isConditionTrue(first, 'Ready') && !isConditionTrue(flipped, 'Ready'), true);
  assert.equal(findCondition(removeCondition(flipped, 'Ready'), 'Ready'), undefined);
});

test('an owner is known by its uid', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name: 'rs', uid: 'u1' } };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', ownerReferences: [controllerReference(owner)] } };
  assert.deepEqual(controllerOf(pod), { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid: 'u1', controller: true, blockOwnerDeletion: true });
  assert.equal(isControlledBy(pod, owner) && isOwnedBy(pod, owner), true);
  assert.equal(isControlledBy(pod, { ...owner, metadata: { name: 'rs', uid: 'u2' } }), false);
});

const quantities: [text: string | number, value: number | undefined][] = [
  ['100m', 0.1], ['1', 1], [2, 2], ['1Ki', 1024], ['1.5Gi', 1.5 * 2 ** 30], ['3k', 3000], ['2e3', 2000], ['1E', 1e18], ['-1', -1], ['', undefined], ['1X', undefined], ['.', undefined],
];
for (const [text, value] of quantities) test(`quantity "${text}" is ${value}`, () => assert.equal(parseQuantity(text), value));
test('quantities compare by value, not by text', () => assert.ok(compareQuantities('900m', '1') < 0 && compareQuantities('1Gi', '1G') > 0));

test('a percentage is taken of the total, rounded as asked', () => {
  assert.deepEqual([scaledValue('25%', 10, 'up'), scaledValue('25%', 10, 'down'), scaledValue(3, 10, 'up')], [3, 2, 3]);
  assert.equal(scaledValue('many', 10, 'up'), undefined);
  assert.deepEqual(['5%', '5', 5].map(isPercent), [true, false, false]);
});

const specials: [address: string, complaint: string][] = [
  ['0.0.0.0', 'may not be unspecified (0.0.0.0)'],
  ['::', 'may not be unspecified (::)'],
  ['127.1.2.3', 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  ['::1', 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  ['::ffff:127.0.0.1', 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  ['169.254.1.1', 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  ['fe80::1', 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  ['224.0.0.5', 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'],
  ['ff02::5', 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'],
];
for (const [address, complaint] of specials) {
  test(`SVC-37: ${address} cannot be an endpoint`, () =>
    assert.equal(validateOrdinaryAddress(address, 'ip')[0]?.message, `Invalid value: "${address}": ${complaint}`));
}

test('IPAM-20: what is no address or prefix is refused', () => {
  assert.equal(validateAddress('010.96.0.1', 'ip')[0]?.message, 'Invalid value: "010.96.0.1": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
  assert.equal(validateOrdinaryAddress('x', 'ip')[0]?.message, 'Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)');
  assert.equal(validatePrefix('10.0.0.0', 'c')[0]?.message, 'Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)');
  assert.deepEqual([...validateAddress('fd00::1', 'ip'), ...validateOrdinaryAddress('10.4.5.6', 'ip'), ...validatePrefix('10.0.0.0/8', 'c')], []);
});

test('texts that are not canonical are warned about', () => {
  assert.deepEqual(addressWarnings('2001:DB8::1', 'f'), ['f: IPv6 address "2001:DB8::1" is not in RFC 5952 canonical format ("2001:db8::1"), which may cause controller apply-loops']);
  assert.deepEqual([...addressWarnings('2001:db8::1', 'f'), ...addressWarnings('10.0.0.1', 'f'), ...prefixWarnings('10.0.0.0/8', 'f')], []);
  assert.deepEqual(prefixWarnings('10.0.0.1/8', 'f'), ['f: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)']);
  assert.deepEqual(prefixWarnings('2001:DB8::/64', 'f'), ['f: IPv6 prefix "2001:DB8::/64" is not in RFC 5952 canonical format ("2001:db8::/64"), which may cause controller apply-loops']);
});
