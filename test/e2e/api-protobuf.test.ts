// Answers in protobuf, packed answers, and what is told when no form fits.
import assert from 'node:assert/strict';
import { get, type RequestOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { messageNamed } from '../../src/kube/schema/schema.ts';
import { decodeMessage } from '../../src/kube/wire/decode-message.ts';
import { decodeProtobuf } from '../../src/kube/wire/protobuf.ts';
import { type ApiUnderTest, startApi } from './api-under-test.ts';

const protobuf = 'application/vnd.kubernetes.protobuf';
const path = '/api/v1/namespaces/default/configmaps';
let api: ApiUnderTest;

before(async () => {
  api = await startApi();
  for (const name of ['a', 'b']) await api.call('POST', path, { body: { metadata: { name }, data: { word: `value of ${name}` } } });
});
after(() => api.close());

function open(at: string, headers: RequestOptions['headers']): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port: api.port, agent: api.agent, path: at, headers }, resolve).on('error', reject);
  });
}

async function bytes(at: string, headers: RequestOptions['headers']): Promise<{ type: string; headers: IncomingMessage['headers']; body: Buffer; code: number }> {
  const response = await open(at, headers);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { type: String(response.headers['content-type']), headers: response.headers, body: Buffer.concat(chunks), code: response.statusCode! };
}

test('an object is answered in protobuf to whom prefers it', async () => {
  const { type, body } = await bytes(`${path}/a`, { accept: `${protobuf},application/json` });
  assert.equal(type, protobuf);
  assert.deepEqual(decodeProtobuf(body), JSON.parse((await bytes(`${path}/a`, {})).body.toString()));
});

test('a list in protobuf holds what the list in JSON holds', async () => {
  const list = decodeProtobuf((await bytes(path, { accept: protobuf })).body);
  assert.deepEqual(list, JSON.parse((await bytes(path, {})).body.toString()));
});

test('metadata alone can be protobuf, one or a list', async () => {
  const accept = (as: string) => `${protobuf};as=${as};g=meta.k8s.io;v=v1`;
  const one = await bytes(`${path}/a`, { accept: accept('PartialObjectMetadata') });
  assert.ok(one.body.includes('PartialObjectMetadata') && !one.body.includes('value of'));
  const list = await bytes(path, { accept: accept('PartialObjectMetadataList') });
  assert.ok(list.body.includes('PartialObjectMetadataList') && !list.body.includes('value of'));
});

test('a created object comes back as the writer reads it', async () => {
  const reply = await api.call('POST', path, { body: { metadata: { name: 'c' } }, accept: protobuf });
  assert.equal(reply.code, 201);
  assert.equal(reply.headers['content-type'], protobuf);
});

for (const [what, accept] of [['a table', `${protobuf};as=Table;g=meta.k8s.io;v=v1`], ['a form nobody has', 'image/png']] as const) {
  test(`406 is told to whom wants only ${what}`, async () => {
    const { code, body } = await bytes(path, { accept });
    assert.equal(code, 406);
    assert.match(body.toString(), /only the following media types are accepted/);
  });
}

async function* frames(response: IncomingMessage): AsyncGenerator<{ type: string; object: Record<string, unknown> }> {
  let held = Buffer.alloc(0);
  for await (const chunk of response) {
    held = Buffer.concat([held, chunk as Buffer]);
    while (held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) {
      const end = 4 + held.readUInt32BE(0);
      const { type, object } = decodeMessage(held.subarray(4, end), messageNamed('runtime.WatchFrame')!) as { type: string; object: { raw: string } };
      yield { type, object: decodeProtobuf(Buffer.from(object.raw, 'base64')) as unknown as Record<string, unknown> };
      held = held.subarray(end);
    }
  }
}

test('a watch in protobuf sends frames: what exists, the bookmark after it, then changes', async () => {
  const query = 'watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name%3Da';
  const response = await open(`${path}?${query}`, { accept: `${protobuf};stream=watch` });
  assert.equal(response.headers['content-type'], `${protobuf};stream=watch`);
  const events = frames(response);
  const first = (await events.next()).value!;
  assert.equal(first.type, 'ADDED');
  assert.deepEqual(first.object['data'], { word: 'value of a' });
  const { type, object } = (await events.next()).value!;
  assert.equal(type, 'BOOKMARK');
  assert.deepEqual((object['metadata'] as { annotations: unknown }).annotations, { 'k8s.io/initial-events-end': 'true' });
  await api.call('DELETE', `${path}/a`);
  assert.equal((await events.next()).value!.type, 'DELETED');
  response.destroy();
});

test('bodies above 128 KiB are packed for those who accept gzip, smaller ones are not', async () => {
  const big = { metadata: { name: 'big' }, data: { filling: 'x'.repeat(200_000) } };
  await api.call('POST', path, { body: big });
  const packed = await bytes(`${path}/big`, { 'accept-encoding': 'gzip' });
  assert.equal(packed.headers['content-encoding'], 'gzip');
  assert.equal(packed.headers['vary'], 'Accept-Encoding');
  assert.equal(JSON.parse(gunzipSync(packed.body).toString()).data.filling, big.data.filling);
  for (const [at, encoding] of [[`${path}/b`, 'gzip'], [`${path}/big`, 'gzip;q=0'], [`${path}/big`, 'br']] as const) {
    assert.equal((await bytes(at, { 'accept-encoding': encoding })).headers['content-encoding'], undefined);
  }
});

test('a body above 3 MiB is refused with 413, one of unknown form with 415', async () => {
  assert.equal((await api.call('POST', path, { body: 'x'.repeat(3 * 1024 * 1024 + 1) })).code, 413);
  assert.equal((await api.call('POST', path, { body: 'x', type: 'text/csv' })).code, 415);
});
