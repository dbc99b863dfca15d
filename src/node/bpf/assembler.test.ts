import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assemble, type Instruction } from './assembler.ts';
import { endpointKey, frontKey, frontValue, memberKey } from './maps.ts';
import { programs } from './programs.ts';
import { at, call, jump, jumpIf, label, letPass, load, lookUp, move, multiply, number, shiftLeft, shiftRight, stack, store, subtract } from './words.ts';

const maps = new Map([['fronts', 0x11]]);
const rows: [says: string, program: readonly Instruction[], hex: string][] = [
  ['a number into a register', [move(0, number(1))], 'b700000001000000'],
  ['a negative number', [move(2, number(-2))], 'b7020000feffffff'],
  ['register to register: the source stands in the upper half', [move(6, 1)], 'bf16000000000000'],
  ['four bytes from memory', [load(1, at(6, 24), 4)], '6161180000000000'],
  ['eight bytes from memory', [load(9, at(7, 8), 8)], '7979080000000000'],
  ['two bytes to the stack, whose offsets are negative', [store(stack(-8), 1, 2)], '6b1af8ff00000000'],
  ['a number to the stack', [store(stack(-16), number(-0x10000), 4)], '620af0ff0000ffff'],
  ['arithmetic by register and by number', [multiply(0, 1), subtract(0, 8), shiftLeft(0, 32), shiftRight(0, 32)], '2f100000000000001f8000000000000067000000200000007700000020000000'],
  ['a helper by its number', [call('get_socket_cookie')], '850000002e000000'],
  ['leave to go on', letPass, 'b7000000010000009500000000000000'],
  [
    'a map is two slots long, and named by its descriptor',
    lookUp('fronts', stack(-24)),
    '18110000110000000000000000000000bfa200000000000007020000e8ffffff8500000001000000',
  ],
  [
    'jumps count the slots between, those of wide loads twice, labels not at all',
    [label('start'), jumpIf(0, '==', number(0), 'end'), { do: 'load map', to: 1, map: 'fronts' }, jump('start'), label('end'), { do: 'exit' }],
    '150003000000000018110000110000000000000000000000 0500fcff00000000 9500000000000000'.replaceAll(' ', ''),
  ],
  ['a jump that compares two registers', [jumpIf(0, '>', 9, 'here'), label('here')], '2d90000000000000'],
];

for (const [says, program, hex] of rows) test(`eBPF bytes: ${says}`, () => assert.equal(assemble(program, maps).toString('hex'), hex));

test('what is not there is named: labels, maps', () => {
  assert.throws(() => assemble([jump('nowhere')], maps), /no label nowhere/);
  assert.throws(() => assemble(lookUp('nothing', stack(-8)), maps), /no map nothing/);
  assert.throws(() => assemble([label('twice'), label('twice')], maps), /twice stands twice/);
});

test('every program is within what a kernel of any age takes: 4,096 instructions, 512 bytes of stack', () => {
  const all = new Map(['fronts', 'endpoints', 'members', 'clients', 'peers', 'replies'].map((name, index) => [name, index]));
  for (const { code } of programs) {
    assert.ok(assemble(code, all).length / 8 < 4096);
    const lowest = Math.min(...code.flatMap((each) => (each.do === 'store' && each.at.base === 10 ? [each.at.offset] : [])));
    assert.ok(lowest >= -512);
  }
});

test('keys: addresses as IPv6, IPv4 mapped into it; ports in network order; the rest little-endian', () => {
  const front = frontKey({ address: '10.96.0.1', port: 80, protocol: 'TCP' });
  assert.equal(front.toString('hex'), '00000000000000000000ffff0a60000100500600');
  assert.equal(frontKey({ address: 'fd00::1', port: 53, protocol: 'UDP' }).toString('hex'), 'fd00000000000000000000000000000100351100');
  assert.equal(endpointKey(1, 2).toString('hex'), '0100000002000000');
  assert.equal(memberKey(1, { address: '10.0.0.1', port: 256 }).toString('hex'), '0100000000000000000000000000ffff0a00000101000000');
  assert.equal(frontValue(7, 3, 2).toString('hex'), '07000000030000000094357700000000');
});
