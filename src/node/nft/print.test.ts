import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nftName, printRule } from './print.ts';

test('names keep letters, digits, dots, dashes and slashes', () => {
  assert.equal(nftName('service6/default/web-1.x/http/tcp'), 'service6/default/web-1.x/http/tcp');
});

test('names that nft cannot say are changed, yet stay apart', () => {
  assert.match(nftName('a:b'), /^a-b-[0-9a-f]{8}$/);
  assert.notEqual(nftName('a:b'), nftName('a*b'));
  assert.match(nftName('9lives'), /^n9lives-[0-9a-f]{8}$/);
});

test('the longest pod name of the longest namespace still fits', () => {
  const name = nftName(`ingress/${'n'.repeat(63)}/${'p'.repeat(253)}`);
  assert.ok(name.length <= 200);
  assert.notEqual(name, nftName(`ingress/${'n'.repeat(63)}/${'p'.repeat(252)}`));
});

test('comments and log prefixes end at what the kernel takes, on a whole letter, without quotes', () => {
  const rule = printRule({ when: [], then: { do: 'log', prefix: `${'ä'.repeat(100)}"`, group: 5 }, origin: { kind: 'Service', namespace: 'a', name: 'ü'.repeat(100) } });
  const [, prefix, comment] = /^log prefix "(.*)" group 5 comment "(.*)"$/.exec(rule)!;
  assert.ok(Buffer.byteLength(prefix!) <= 127 && Buffer.byteLength(comment!) <= 128);
  assert.ok(!/["\uFFFD]/.test(prefix! + comment!));
});
