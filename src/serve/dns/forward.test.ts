// Other servers may be wrong, slow or hostile: what they say reaches askers only as far as it was asked for.
import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { createServer, type AddressInfo } from 'node:net';
import { after, test, type TestContext } from 'node:test';
import { decode as decodePacket, encode, type Answer, type DecodedPacket, type Packet, streamDecode, streamEncode } from 'dns-packet';
import { createManualClock } from '../../base/run/clock.ts';
import { hostSockets } from '../../base/run/sockets.ts';
import type { NameDirectory } from '../../model/network-model.ts';
import { answerPacket } from './answer.ts';
import { createAnswerCache } from './cache.ts';
import { createForwarder, type Upstream } from './forward.ts';
import { createResponders, type Responder } from './responders.ts';

type Decoded = DecodedPacket & { rcode: string };
const decode = (bytes: Buffer): Decoded => decodePacket(bytes) as Decoded;

const out = { type: 'externalName' as const, addresses: [], ports: [], endpoints: [], externalName: 'www.example.com', origin: { kind: 'Service', name: 'out' } };
const directory: NameDirectory = { domain: 'cluster.local', ttlSeconds: 5, reverseCIDRs: [], namespaces: new Set(['prod']), services: new Map([['prod/out', out]]) };

const forwarder = createForwarder();
after(() => forwarder.close());

function respondersWith(upstreams: readonly Upstream[], stubs: ReadonlyMap<string, readonly Upstream[]> = new Map()): readonly Responder[] {
  return createResponders({ directory: () => directory, forwarder, cache: createAnswerCache(createManualClock()), upstreams: () => upstreams, stubs });
}

interface FakeServer extends Upstream {
  readonly asked: { packet: Decoded; from: RemoteInfo }[];
}

type Reply = (question: Decoded) => readonly Partial<Packet>[];

/** Sends every packet that `reply` gives; each is an answer to the question but for what it says. */
async function serverThat(t: TestContext, reply: Reply): Promise<FakeServer> {
  const socket: Socket = createSocket('udp4');
  const asked: FakeServer['asked'] = [];
  socket.on('message', (bytes, from) => {
    const packet = decode(bytes);
    asked.push({ packet, from });
    for (const each of reply(packet)) socket.send(encode({ type: 'response', id: packet.id, questions: packet.questions, ...each }), from.port, from.address);
  });
  await hostSockets.bindUdp(socket, { address: '127.0.0.1', port: 0 });
  t.after(() => socket.close());
  return { address: '127.0.0.1', port: socket.address().port, asked };
}

const a = (name: string, data: string): Answer => ({ type: 'A', name, ttl: 60, data });
const edns = { additionals: [{ type: 'OPT' as const, name: '.', udpPayloadSize: 4096, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [{ code: 10, data: Buffer.from('01234567') }] }] } as unknown as Partial<Packet>;

const query = (name: string, more: Partial<Packet> = {}, type = 'A'): Buffer => encode({ type: 'query', id: 77, questions: [{ name, type: type as 'A', class: 'IN' }], ...more });
const ask = async (responders: readonly Responder[], bytes: Buffer, over: 'udp' | 'tcp' = 'udp'): Promise<Decoded> => decode((await answerPacket(responders, bytes, over)) as Buffer);
const addresses = ({ answers }: Decoded): unknown[] => answers!.map((each) => 'data' in each && each.data);

const serverFailure = 2;

test('an answer under another id, to another question, or that is itself a question is not taken', async (t) => {
  const server = await serverThat(t, ({ id = 0 }) => [
    { id: (id + 1) % 65_536, answers: [a('www.example.com', '192.0.2.66')] },
    { questions: [{ name: 'www.example.org', type: 'A' }], answers: [a('www.example.com', '192.0.2.66')] },
    { type: 'query', answers: [a('www.example.com', '192.0.2.66')] },
    { answers: [a('www.example.com', '192.0.2.1')] },
  ]);
  assert.deepEqual(addresses(await ask(respondersWith([server]), query('www.example.com'))), ['192.0.2.1']);
});

test('every question leaves from a port of its own under an id of its own', async (t) => {
  const server = await serverThat(t, () => [{}]);
  const responders = respondersWith([server]);
  for (let i = 0; i < 8; i++) await ask(responders, query(`n${i}.example.com`));
  assert.ok(new Set(server.asked.map(({ from }) => from.port)).size > 1);
  assert.ok(new Set(server.asked.map(({ packet }) => packet.id)).size > 1);
});

test('who asks the same at the same time waits for one question', async (t) => {
  const server = await serverThat(t, () => [{ answers: [a('www.example.com', '192.0.2.1')] }]);
  const responders = respondersWith([server]);
  const answers = await Promise.all([1, 2, 3].map((id) => ask(responders, query('www.example.com', { id }))));
  assert.deepEqual(answers.map(({ id }) => id), [1, 2, 3]);
  assert.equal(server.asked.length, 1);
});

test('DNS-47: records that do not lead from the alias to its address are left out', async (t) => {
  const server = await serverThat(t, () => [
    {
      answers: [
        { type: 'CNAME', name: 'www.example.com', ttl: 60, data: 'edge.example.net' },
        a('edge.example.net', '192.0.2.1'),
        a('web.prod.svc.cluster.local', '192.0.2.66'),
      ],
    },
  ]);
  const answer = await ask(respondersWith([server]), query('out.prod.svc.cluster.local'));
  assert.deepEqual(answer.answers!.map(({ name }) => name), ['out.prod.svc.cluster.local', 'www.example.com', 'edge.example.net']);
});

test('an alias whose target cannot be had is still told', async (t) => {
  const server = await serverThat(t, () => [{ flags: serverFailure }]);
  const answer = await ask(respondersWith([server]), query('out.prod.svc.cluster.local'));
  assert.deepEqual([answer.rcode, addresses(answer)], ['NOERROR', ['www.example.com']]);
});

test('a server that fails is passed over; when all fail, the failure is the answer', async (t) => {
  const failing = await serverThat(t, () => [{ flags: serverFailure }]);
  const working = await serverThat(t, () => [{ answers: [a('www.example.com', '192.0.2.1')] }]);
  assert.deepEqual(addresses(await ask(respondersWith([failing, working]), query('www.example.com'))), ['192.0.2.1']);
  assert.equal((await ask(respondersWith([failing]), query('www.example.com'))).rcode, 'SERVFAIL');
});

test('a server that is not there is passed over', async (t) => {
  const working = await serverThat(t, () => [{ answers: [a('www.example.com', '192.0.2.1')] }]);
  const gone = await serverThat(t, () => []);
  const closed = createSocket('udp4');
  await hostSockets.bindUdp(closed, { address: '127.0.0.1', port: 0 });
  const { port } = closed.address();
  closed.close();
  assert.deepEqual(addresses(await ask(respondersWith([{ ...gone, port }, working]), query('www.example.com'))), ['192.0.2.1']);
});

test('an asker’s own EDNS options stay with us, and an asker without EDNS gets none', async (t) => {
  const server = await serverThat(t, ({ additionals = [] }) => [{ answers: [a('www.example.com', '192.0.2.1')], additionals }]);
  const responders = respondersWith([server]);
  const wide = await ask(responders, query('www.example.com', edns));
  const plain = await ask(responders, query('www.example.com'));
  const sent = server.asked.map(({ packet }) => packet.additionals!.map((each) => 'options' in each && each.options));
  assert.deepEqual(sent, [[[]], []]);
  assert.deepEqual([wide.additionals!.length, plain.additionals!.length], [1, 0]);
});

test('DNS-65: a truncated answer stays truncated, and over TCP the server is asked over TCP', async (t) => {
  const server = await serverThat(t, () => [{ flags: 0x200 }]);
  const overTcp = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes: Buffer) => {
      const packet = streamDecode(bytes) as Decoded;
      const answers = Array.from({ length: 100 }, (_, i) => a('www.example.com', `192.0.2.${i}`));
      socket.write(streamEncode({ type: 'response', id: packet.id, questions: packet.questions, answers }));
    });
  });
  await hostSockets.listenTcp(overTcp, { address: '127.0.0.1', port: server.port });
  t.after(() => overTcp.close());
  const responders = respondersWith([{ address: '127.0.0.1', port: (overTcp.address() as AddressInfo).port }]);
  assert.equal((await ask(responders, query('www.example.com'))).flag_tc, true);
  assert.equal((await ask(responders, query('www.example.com'), 'tcp')).answers!.length, 100);
  const alias = await ask(responders, query('out.prod.svc.cluster.local'), 'tcp');
  assert.equal(alias.answers!.length, 101, 'an alias is completed whole');
});

test('DNS-56: a stub domain has servers of its own, the longest suffix first', async (t) => {
  const [wide, narrow, others] = await Promise.all(['192.0.2.1', '192.0.2.2', '192.0.2.3'].map((data) => serverThat(t, ({ questions = [] }) => [{ answers: [a(questions[0]!.name, data)] }])));
  const responders = respondersWith([others!], new Map([['corp.test', [wide!]], ['lab.corp.test', [narrow!]]]));
  const said = await Promise.all(['a.corp.test', 'a.lab.corp.test', 'lab.corp.test', 'acorp.test'].map(async (name) => addresses(await ask(responders, query(name)))[0]));
  assert.deepEqual(said, ['192.0.2.1', '192.0.2.2', '192.0.2.2', '192.0.2.3']);
});

test('DNS-67: a negative answer is kept no longer than its start of authority says', async () => {
  const clock = createManualClock();
  const cache = createAnswerCache(clock);
  const soa: Answer = { type: 'SOA', name: 'example.com', ttl: 600, data: { mname: 'a', rname: 'b', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 30 } };
  cache.put('k', encode({ type: 'response', flags: 3, questions: [{ name: 'x.example.com', type: 'A' }], authorities: [soa] }));
  assert.ok(cache.get('k'));
  await clock.advance(30_000);
  assert.equal(cache.get('k'), undefined);
});

test('EDNS versions to come are refused by name, other classes plainly', async () => {
  const responders = respondersWith([]);
  const future = query('x.cluster.local', edns);
  future[future.indexOf(Buffer.from([0, 0, 41, 16, 0])) + 6] = 1;
  const answer = await answerPacket(responders, future, 'udp');
  assert.equal(answer![3]! & 0xf, 0);
  assert.equal(answer![answer!.length - 6], 1, 'the rest of BADVERS (16) stands in EDNS');
  const chaos = query('version.bind', { questions: [{ name: 'version.bind', type: 'TXT', class: 'CH' }] });
  assert.equal((await ask(responders, chaos)).rcode, 'REFUSED');
});

test('a dot inside a label is no separator, and what stands behind it is read right', async () => {
  const bytes = query('axb.cluster.local');
  bytes[14] = '.'.charCodeAt(0);
  const answer = await ask(respondersWith([]), bytes);
  assert.deepEqual([answer.rcode, answer.authorities![0]!.name], ['NXDOMAIN', 'cluster.local']);
});
