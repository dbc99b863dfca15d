import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { createServer, createConnection, type AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { decode as decodePacket, encode, type DecodedPacket, type Packet, streamDecode, streamEncode, RECURSION_DESIRED, AUTHORITATIVE_ANSWER } from 'dns-packet';
import { createManualClock } from '../../base/run/clock.ts';
import { hostSockets } from '../../base/run/sockets.ts';
import { kinds } from '../../kube/kinds/kinds.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import { createMemoryStore } from '../../kube/store/embedded.ts';
import type { Snapshot } from '../../kube/store/store.ts';
import { createAnswerCache } from './cache.ts';
import { type ClusterDns, startClusterDns } from './cluster-dns.ts';
import { answerPacket } from './answer.ts';
import { createResponders } from './responders.ts';
import { frame } from './tcp-frames.ts';

/** The package's types forget the code's name. */
type Decoded = DecodedPacket & { rcode: string };
const decode = (bytes: Buffer): Decoded => decodePacket(bytes) as Decoded;

const scope = { clusterDomain: 'cluster.local', podCIDRs: [], serviceCIDRs: [] };
const meta = (name: string, labels = {}) => ({ name, namespace: 'prod', labels });
const objects = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'prod' } },
  { apiVersion: 'v1', kind: 'Service', metadata: meta('web'), spec: { clusterIP: '10.96.0.8', clusterIPs: ['10.96.0.8'], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] } },
  { apiVersion: 'v1', kind: 'Service', metadata: meta('big'), spec: { clusterIP: 'None', clusterIPs: ['None'] } },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: meta('big-a', { 'kubernetes.io/service-name': 'big' }),
    addressType: 'IPv4',
    endpoints: Array.from({ length: 100 }, (_, i) => ({ addresses: [`10.1.0.${i + 1}`] })),
  },
  { apiVersion: 'v1', kind: 'Service', metadata: meta('out'), spec: { type: 'ExternalName', externalName: 'www.example.com' } },
] as KubeObject[];
const seen: Snapshot = { revision: 1, list: (kind) => objects.filter((o) => o.kind === kind.kind) as never, get: () => undefined };
const store = { ...createMemoryStore(kinds), snapshot: () => seen };

let dns: ClusterDns;
let upstreamPort = 0;
let port = 0;
let upstreamAsked = 0;
const upstream = createSocket('udp4');

before(async () => {
  upstream.on('message', (packet, from) => {
    upstreamAsked++;
    const question = decode(packet).questions![0]!;
    const answers = question.type === 'A' ? [{ type: 'A' as const, name: question.name, ttl: 60, data: '93.184.216.34' }] : [];
    const answer: Packet = { type: 'response', id: packet.readUInt16BE(0), flags: RECURSION_DESIRED, questions: [question], answers };
    upstream.send(encode(answer), from.port, from.address);
  });
  await hostSockets.bindUdp(upstream, { address: '127.0.0.1', port: 0 });
  upstreamPort = upstream.address().port;
  const probe = createServer();
  await hostSockets.listenTcp(probe, { address: '127.0.0.1', port: 0 });
  port = (probe.address() as AddressInfo).port;
  await new Promise((resolve) => probe.close(resolve));
  dns = startClusterDns({ store, scope, upstreams: [{ address: '127.0.0.1', port: upstreamPort }] });
  await dns.settled(1);
  await dns.listen(hostSockets, { address: '127.0.0.1', port });
});
after(async () => {
  await dns.close();
  upstream.close();
});

function query(name: string, type: string, more: Partial<Packet> = {}): Buffer {
  return encode({ type: 'query', id: 77, flags: RECURSION_DESIRED, questions: [{ name, type: type as 'A', class: 'IN' }], ...more });
}

function overUdp(packet: Buffer): Promise<Decoded> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.on('message', (answer) => {
      socket.close();
      resolve(decode(answer));
    });
    socket.send(packet, port, '127.0.0.1');
  });
}

function overTcp(chunks: Buffer[]): Promise<Decoded> {
  const socket = createConnection(port, '127.0.0.1');
  let received = Buffer.alloc(0);
  return new Promise((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 + received.readUInt16BE(0)) return;
      socket.destroy();
      resolve(streamDecode(received) as Decoded);
    });
    for (const chunk of chunks) socket.write(chunk);
  });
}

const edns = { additionals: [{ type: 'OPT' as const, name: '.', udpPayloadSize: 4096, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] }] };

test('DNS-09 DNS-51: a Service is answered with authority', async () => {
  const answer = await overUdp(query('web.prod.svc.cluster.local', 'A'));
  assert.deepEqual(answer.answers!.map((a) => [a.name, a.type, 'data' in a && a.data, 'ttl' in a && a.ttl]), [['web.prod.svc.cluster.local', 'A', '10.96.0.8', 5]]);
  assert.equal(answer.flag_aa, true);
  assert.equal(answer.id, 77);
});

test('DNS-04: the answer repeats the letter case of the question', async () => {
  const answer = await overUdp(query('WeB.Prod.svc.CLUSTER.local', 'A'));
  assert.equal(answer.questions![0]!.name, 'WeB.Prod.svc.CLUSTER.local');
  assert.equal(answer.answers!.length, 1);
});

test('DNS-10 DNS-51: no data and no such name both carry the start of authority', async () => {
  const noData = await overUdp(query('web.prod.svc.cluster.local', 'AAAA'));
  const noName = await overUdp(query('nope.prod.svc.cluster.local', 'A'));
  assert.deepEqual([noData, noName].map((a) => [a.rcode, a.answers!.length, a.authorities![0]!.type]), [
    ['NOERROR', 0, 'SOA'],
    ['NXDOMAIN', 0, 'SOA'],
  ]);
});

test('DNS-12 DNS-15: SRV brings its target address along', async () => {
  const answer = await overUdp(query('_http._tcp.web.prod.svc.cluster.local', 'SRV'));
  assert.deepEqual(answer.answers!.map((a) => 'data' in a && a.data), [{ priority: 0, weight: 100, port: 80, target: 'web.prod.svc.cluster.local' }]);
  assert.deepEqual(answer.additionals!.map((a) => a.type), ['A']);
});

test('DNS-28 DNS-65: what does not fit in a datagram is truncated, and whole over TCP', async () => {
  const plain = await overUdp(query('big.prod.svc.cluster.local', 'A'));
  const wide = await overUdp(query('big.prod.svc.cluster.local', 'A', edns));
  const whole = await overTcp([streamEncode({ type: 'query', id: 5, questions: [{ name: 'big.prod.svc.cluster.local', type: 'A' }] })]);
  assert.deepEqual([plain.flag_tc, wide.flag_tc, whole.flag_tc], [true, true, false]);
  assert.ok(plain.answers!.length < wide.answers!.length && wide.answers!.length < 100);
  assert.equal(whole.answers!.length, 100);
});

test('a query over TCP may come in pieces', async () => {
  const framed = frame(query('web.prod.svc.cluster.local', 'A'));
  const answer = await overTcp([framed.subarray(0, 1), framed.subarray(1, 9), framed.subarray(9)]);
  assert.equal(answer.answers!.length, 1);
});

test('DNS-56 DNS-67: other names are asked upstream once, then remembered', async () => {
  const first = await overUdp(query('www.example.org', 'A'));
  const asked = upstreamAsked;
  const second = await overUdp(query('WWW.example.org', 'A', { id: 9 }));
  assert.deepEqual(first.answers!.map((a) => 'data' in a && a.data), ['93.184.216.34']);
  assert.equal(first.flags! & AUTHORITATIVE_ANSWER, 0);
  assert.deepEqual([second.id, second.questions![0]!.name, upstreamAsked], [9, 'WWW.example.org', asked]);
});

test('DNS-47: an external name comes with its target’s addresses', async () => {
  const answer = await overUdp(query('out.prod.svc.cluster.local', 'A'));
  assert.deepEqual(answer.answers!.map((a) => [a.name, a.type]), [['out.prod.svc.cluster.local', 'CNAME'], ['www.example.com', 'A']]);
});

test('DNS-54: a zone transfer is refused', async () => {
  assert.equal((await overUdp(query('cluster.local', 'AXFR'))).rcode, 'REFUSED');
});

test('DNS-66: other opcodes are not implemented, two questions are a format error', async () => {
  const notify = query('web.prod.svc.cluster.local', 'A');
  notify[2] = (4 << 3) | 1;
  assert.equal((await overUdp(notify)).rcode, 'NOTIMP');
  const twice = query('web.prod.svc.cluster.local', 'A', { questions: [{ name: 'a', type: 'A' }, { name: 'b', type: 'A' }] });
  assert.equal((await overUdp(twice)).rcode, 'FORMERR');
});

const parts = { forwarder: { ask: () => Promise.resolve(undefined), close() {} }, cache: createAnswerCache(createManualClock()), upstreams: () => [], stubs: new Map() };

test('DNS-55: before the first full list every answer is a server failure', () => {
  const answer = answerPacket(createResponders({ ...parts, directory: () => undefined }), query('web.prod.svc.cluster.local', 'A'), 'udp') as Buffer;
  assert.equal(decode(answer).rcode, 'SERVFAIL');
});

test('DNS-66: any bytes get an answer or silence, never an exception', () => {
  const names = { domain: 'cluster.local', ttlSeconds: 5, reverseCIDRs: [], namespaces: new Set<string>(), services: new Map() };
  const responders = createResponders({ ...parts, directory: () => names });
  const whole = query('a.b.svc.cluster.local', 'A', edns);
  const mutated = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(whole.length)).map(([at, value, cut]) => {
    const bytes = Buffer.from(whole);
    bytes[at] = value;
    return bytes.subarray(0, Math.max(cut, 1));
  });
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array)), mutated);
  fc.assert(
    fc.property(bytes, (packet) => {
      const answer = answerPacket(responders, packet, 'udp');
      if (answer instanceof Buffer) assert.equal(answer.readUInt16BE(0), packet.readUInt16BE(0));
    }),
    { numRuns: 3000 },
  );
});

test('a remembered answer counts its time to live down and is gone at zero', async () => {
  const clock = createManualClock();
  const cache = createAnswerCache(clock);
  cache.put('k', encode({ type: 'response', id: 1, questions: [{ name: 'a', type: 'A' }], answers: [{ type: 'A', name: 'a', ttl: 30, data: '1.2.3.4' }] }));
  await clock.advance(10_000);
  const aged = decode(cache.get('k')!).answers![0]!;
  assert.equal('ttl' in aged && aged.ttl, 20);
  await clock.advance(20_000);
  assert.equal(cache.get('k'), undefined);
});

test('our records read back equal through another implementation', () => {
  const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
  fc.assert(
    fc.property(label, fc.ipV4(), fc.integer({ min: 1, max: 65535 }), (name, address, number) => {
      const origin = { kind: 'Service', name };
      const services = new Map([[`prod/${name}`, { type: 'clusterIP' as const, addresses: [address], ports: [{ name: 'p', protocol: 'TCP' as const, port: number }], endpoints: [], origin }]]);
      const directory = { domain: 'cluster.local', ttlSeconds: 5, reverseCIDRs: [], namespaces: new Set(['prod']), services };
      const responders = createResponders({ ...parts, directory: () => directory });
      const answer = decode(answerPacket(responders, query(`_p._tcp.${name}.prod.svc.cluster.local`, 'SRV'), 'tcp') as Buffer);
      const [srv] = answer.answers!;
      assert.deepEqual(srv && 'data' in srv && srv.data, { priority: 0, weight: 100, port: number, target: `${name}.prod.svc.cluster.local` });
      const [glue] = answer.additionals!;
      assert.equal(glue && 'data' in glue && glue.data, address);
    }),
    { numRuns: 200 },
  );
});

