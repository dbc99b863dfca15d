import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressBytes, addressFromBytes, addressOf, parseAddress, printAddress } from './address.ts';

const refused: readonly string[] = [
  '', '1', '1.2.3', '1.2.3.4.5', '1.2.3.', '.1.2.3', '1..2.3', '256.1.1.1', '1.2.3.1000', '01.2.3.4', '1.2.3.00', ' 1.2.3.4', '1.2.3.4\n', '1.2.3.4/24', '0x1.2.3.4', '1.2.3.-4',
  ':', ':::', '1:2', '1::2::3', '1:2:3:4:5:6:7:8:9', '::12345', 'fe80::1%eth0', '::1.2.3', '::01.2.3.4', '1.2.3.4::',
];

for (const text of refused) test(`not an address: ${JSON.stringify(text)}`, () => assert.equal(parseAddress(text), undefined));

const printed: readonly [text: string, canonical: string][] = [
  ['0.0.0.0', '0.0.0.0'],
  ['255.255.255.255', '255.255.255.255'],
  ['10.244.1.2', '10.244.1.2'],
  ['::', '::'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['::ffff:10.0.0.1', '::ffff:a00:1'],
];

for (const [text, canonical] of printed) {
  test(`${text} prints as ${canonical} (RFC 5952) and survives bytes`, () => {
    const address = addressOf(text);
    assert.equal(printAddress(address), canonical);
    assert.deepEqual(addressFromBytes(addressBytes(address)), address);
  });
}
