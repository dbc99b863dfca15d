import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { Element } from '../nft/ruleset.ts';
import type { SetShape } from './element-codec.ts';
import { createNamespace, type Netns, removeNamespace } from './namespaces.ts';
import { spawnIn } from './namespace-sockets.ts';
import { type ElementChange, Nfnetlink } from './nfnetlink.ts';

const table = `table inet t {
  set plain { type ipv4_addr; }
  set ports { type inet_proto . inet_service; flags interval; }
  set blocks { type ipv4_addr; flags interval; }
  set blocks6 { type ipv6_addr; flags interval; }
  set spoof { type ifname . ipv6_addr; }
  map classes { type ipv4_addr . inet_proto . inet_service : mark; }
  map ends { type ipv6_addr . inet_proto . inet_service . mark : ipv6_addr . inet_service; }
  map chosen { type mark : verdict; }
  map pods { type ipv4_addr : verdict; flags interval; }
  chain one { }
}`;

const shapes = {
  plain: { name: 'plain', key: ['ipv4_addr'] },
  ports: { name: 'ports', key: ['inet_proto', 'inet_service'], interval: true },
  blocks: { name: 'blocks', key: ['ipv4_addr'], interval: true },
  blocks6: { name: 'blocks6', key: ['ipv6_addr'], interval: true },
  spoof: { name: 'spoof', key: ['ifname', 'ipv6_addr'] },
  classes: { name: 'classes', key: ['ipv4_addr', 'inet_proto', 'inet_service'], data: ['number'] },
  ends: { name: 'ends', key: ['ipv6_addr', 'inet_proto', 'inet_service', 'number'], data: ['ipv6_addr', 'inet_service'] },
  chosen: { name: 'chosen', key: ['number'] },
  pods: { name: 'pods', key: ['ipv4_addr'], interval: true },
} as const satisfies Record<string, SetShape>;

async function nft(namespace: Netns, args: string[], input?: string): Promise<string> {
  const child = spawnIn(namespace, 'nft', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  child.stdin!.end(input);
  const output = await text(child.stdout!);
  assert.equal((await closed)[0], 0);
  return output;
}

describe('nfnetlink', () => {
  let namespace: Netns;
  let nfnetlink: Nfnetlink;

  beforeEach(async () => {
    namespace = createNamespace(`test-nf-${process.pid}`);
    await nft(namespace, ['-f', '-'], table);
    nfnetlink = new Nfnetlink(namespace);
  });
  afterEach(() => {
    nfnetlink.close();
    removeNamespace(namespace);
  });

  /** The elements as nft prints them, one a piece. */
  async function listed(name: keyof typeof shapes): Promise<string[]> {
    const word = 'data' in shapes[name] || name === 'chosen' || name === 'pods' ? 'map' : 'set';
    const output = await nft(namespace, ['list', word, 'inet', 't', name]);
    return (/elements = \{([^}]*)\}/.exec(output)?.[1] ?? '').split(',').map((part) => part.replaceAll(/\s+/g, ' ').trim()).filter(Boolean).sort();
  }
  const send = (op: ElementChange['op'], name: keyof typeof shapes, elements: Element[]) =>
    nfnetlink.sendBatch('t', [{ op, set: shapes[name], elements }]);

  const rows: [about: string, set: keyof typeof shapes, elements: Element[], expected: string[]][] = [
    ['plain addresses, with their origin as comment', 'plain', [{ key: ['10.0.0.1'], origin: { kind: 'Service', namespace: 'default', name: 'web' } }, { key: ['10.0.0.2'] }],
      ['10.0.0.1 comment "Service default/web"', '10.0.0.2']],
    ['ranges inside a key of several fields', 'ports', [{ key: ['tcp', '8000-8100'] }, { key: ['udp', 53] }, { key: ['sctp', '0-65535'] }],
      ['sctp . 0-65535', 'tcp . 8000-8100', 'udp . 53']],
    ['prefixes, ranges and single addresses', 'blocks', [{ key: ['10.1.0.0/16'] }, { key: ['10.2.0.5'] }, { key: ['10.3.0.1-10.3.0.9'] }, { key: ['255.255.255.0/24'] }],
      ['10.1.0.0/16', '10.2.0.5', '10.3.0.1-10.3.0.9', '255.255.255.0/24']],
    ['neighbouring prefixes', 'blocks', [{ key: ['10.1.1.0/24'] }, { key: ['10.1.0.0/24'] }], ['10.1.0.0/24', '10.1.1.0/24']],
    ['all addresses', 'blocks6', [{ key: ['::/0'] }], ['::/0']],
    ['IPv6 prefixes', 'blocks6', [{ key: ['fd00:1::/64'] }, { key: ['fd00:2::7'] }], ['fd00:1::/64', 'fd00:2::7']],
    ['link names', 'spoof', [{ key: ['veth-0123456789', 'fd00::1'] }], ['"veth-0123456789" . fd00::1']],
    ['marks as data', 'classes', [{ key: ['10.96.0.10', 'tcp', 80], data: [0x12345] }], ['10.96.0.10 . tcp . 80 : 0x00012345']],
    ['verdicts of each kind', 'chosen', [{ key: [1], verdict: { do: 'goto', chain: 'one' } }, { key: [2], verdict: { do: 'drop' } }, { key: [3], verdict: { do: 'accept' } },
      { key: [4], verdict: { do: 'jump', chain: 'one' } }, { key: [5], verdict: { do: 'return' } }],
      ['0x00000001 : goto one', '0x00000002 : drop', '0x00000003 : accept', '0x00000004 : jump one', '0x00000005 : return']],
    ['verdicts of prefixes', 'pods', [{ key: ['10.244.1.0/24'], verdict: { do: 'jump', chain: 'one' } }], ['10.244.1.0/24 : jump one']],
  ];
  for (const [about, set, elements, expected] of rows) {
    test(`nft reads back what was sent, and it can be taken away again: ${about}`, async () => {
      await send('add', set, elements);
      assert.deepEqual(await listed(set), expected.toSorted());
      await send('delete', set, elements);
      assert.deepEqual(await listed(set), []);
    });
  }

  test('keys with an index and data of several fields: nft 1.0.6 shows the same as for its own', async () => {
    await nft(namespace, ['add', 'element', 'inet', 't', 'ends', '{ fd00::a . tcp . 80 . 1 : fd00::1 . 8080 }']);
    const own = await listed('ends');
    const element: Element = { key: ['fd00::a', 'tcp', 80, 1], data: ['fd00::1', 8080] };
    await send('delete', 'ends', [element]);
    assert.deepEqual(await listed('ends'), []);
    await send('add', 'ends', [element]);
    assert.deepEqual(await listed('ends'), own);
  });

  test('a batch happens whole or not at all, and the refusal names the element', async () => {
    const changes: ElementChange[] = [
      { op: 'add', set: shapes.plain, elements: [{ key: ['10.0.0.1'] }] },
      { op: 'delete', set: shapes.plain, elements: [{ key: ['10.0.0.1'] }, { key: ['10.0.0.9'] }] },
    ];
    await assert.rejects(nfnetlink.sendBatch('t', changes), { code: 'ENOENT', request: 'nft delete element inet t plain { 10.0.0.9 }' });
    assert.deepEqual(await listed('plain'), []);
    await assert.rejects(send('add', 'chosen', [{ key: [1], verdict: { do: 'goto', chain: 'none' } }]), { code: 'ENOENT', request: /chosen \{ 1 \}/ });
  });

  test('removal and return of one key in one batch changes its data', async () => {
    const [old, now]: Element[] = [{ key: ['10.0.0.1', 'udp', 53], data: [1] }, { key: ['10.0.0.1', 'udp', 53], data: [2] }];
    await send('add', 'classes', [old!]);
    await nfnetlink.sendBatch('t', [{ op: 'delete', set: shapes.classes, elements: [old!] }, { op: 'add', set: shapes.classes, elements: [now!] }]);
    assert.deepEqual(await listed('classes'), ['10.0.0.1 . udp . 53 : 0x00000002']);
  });

  test('more elements than a message can hold, and more than a small socket buffer takes at once', async () => {
    const many = Array.from({ length: 30_000 }, (_, n): Element => ({ key: [`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`] }));
    await send('add', 'plain', many);
    assert.equal((await listed('plain')).length, many.length);
    await nfnetlink.sendBatch('t', [{ op: 'delete', set: shapes.plain, elements: many }]);
    const cramped = new Nfnetlink(namespace, 128 * 1024);
    await cramped.sendBatch('t', [{ op: 'add', set: shapes.plain, elements: many }]);
    cramped.close();
    assert.equal((await listed('plain')).length, many.length);
  });

  test('verdicts and numbers survive wherever the writer has to grow', async () => {
    for (let shift = 1; shift <= 24; shift++) {
      const origin = { kind: 'Service', namespace: 'default', name: 'x'.repeat(shift * 4) };
      const elements = Array.from({ length: 120 }, (_, key): Element => ({ key: [key], verdict: { do: 'goto', chain: 'one' }, ...(key === 0 && { origin }) }));
      await send('add', 'chosen', elements);
      await send('delete', 'chosen', elements);
    }
  });

  const nonsense: [set: keyof typeof shapes, key: Element['key']][] = [
    ['plain', ['fd00::1']], ['plain', ['10.0.0']], ['ports', ['ftp', 80]], ['ports', ['tcp', 65536]], ['spoof', ['a-name-that-is-too-long', 'fd00::1']],
  ];
  for (const [set, key] of nonsense) {
    test(`a value that is none is refused before anything is sent: ${key.join(' . ')}`, async () => {
      await assert.rejects(send('add', set, [{ key }]), RangeError);
    });
  }

  test('a table goes with all that is in it, and twice is fine', async () => {
    await nfnetlink.deleteTable('t');
    await nfnetlink.deleteTable('t');
    assert.equal(await nft(namespace, ['list', 'tables']), '');
    assert.equal(execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' }), '');
  });
});
