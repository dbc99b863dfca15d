import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode, type RecordType } from 'dns-packet';
import { createManualClock } from '../../base/run/clock.ts';
import type { NameDirectory, NamedService } from '../../model/network-model.ts';
import { answerPacket } from './answer.ts';
import { createAnswerCache } from './cache.ts';
import { createRememberedAnswers } from './remembered.ts';
import { createResponders } from './responders.ts';

const origin = { kind: 'Service', namespace: 'prod', name: 'web' };
const web = (address: string): NamedService => ({ type: 'clusterIP', addresses: [address], ports: [], endpoints: [], origin });
const zone = (address: string): NameDirectory => ({ domain: 'cluster.local', ttlSeconds: 5, reverseCIDRs: [], namespaces: new Set(['prod']), services: new Map([['prod/web', web(address)]]) });
const query = (id: number, name: string, type: RecordType = 'A'): Buffer => encode({ type: 'query', id, questions: [{ name, type }] });
const name = 'web.prod.svc.cluster.local';

function server() {
  const state = { directory: zone('10.96.0.8') as NameDirectory | undefined };
  const remembered = createRememberedAnswers(() => state.directory);
  const forwarder = { ask: () => Promise.resolve(undefined), close() {} };
  const responders = createResponders({ directory: () => state.directory, remembered, forwarder, cache: createAnswerCache(createManualClock()), upstreams: () => [], stubs: new Map() });
  return { state, remembered, ask: (packet: Buffer, over: 'udp' | 'tcp' = 'udp') => answerPacket(responders, packet, over) as Buffer };
}

test('what was answered once is found by the same question with another id, and is the same answer', () => {
  const { remembered, ask } = server();
  assert.equal(remembered.find(query(1, name)), undefined);
  ask(query(1, name));
  assert.deepEqual(remembered.find(query(2, name)), ask(query(2, name)));
});

test('DNS-04: a question in other letter case, of another type or with EDNS is another question', () => {
  const { remembered, ask } = server();
  ask(query(1, name));
  const wide = encode({ type: 'query', id: 1, questions: [{ name, type: 'A' }], additionals: [{ type: 'OPT', name: '.', udpPayloadSize: 4096, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] }] });
  for (const other of [query(1, name.toUpperCase()), query(1, name, 'AAAA'), wide]) assert.equal(remembered.find(other), undefined);
});

test('a changed zone forgets all answers', () => {
  const { state, remembered, ask } = server();
  ask(query(1, name));
  state.directory = zone('10.96.0.9');
  assert.equal(remembered.find(query(2, name)), undefined);
  assert.notDeepEqual(ask(query(2, name)).subarray(2), ask(query(2, 'nope.prod.svc.cluster.local')).subarray(2));
});

test('two answers to one question do not share their bytes', () => {
  const { remembered, ask } = server();
  ask(query(1, name));
  const [second, third] = [remembered.find(query(2, name))!, remembered.find(query(3, name))!];
  assert.deepEqual([second.readUInt16BE(0), third.readUInt16BE(0)], [2, 3]);
});

test('names of other servers, failures and answers over TCP are not remembered here', () => {
  const { state, remembered, ask } = server();
  void ask(query(1, 'www.example.com'));
  ask(query(1, name), 'tcp');
  state.directory = undefined;
  ask(query(1, name));
  for (const packet of [query(1, 'www.example.com'), query(1, name)]) assert.equal(remembered.find(packet), undefined);
});

test('questions at random do not fill the memory', () => {
  const { remembered, ask } = server();
  for (let i = 0; i < 20_001; i++) ask(query(1, `x${i}.prod.svc.cluster.local`));
  assert.equal(remembered.find(query(1, 'x0.prod.svc.cluster.local')), undefined);
  assert.ok(remembered.find(query(1, 'x20000.prod.svc.cluster.local')));
});
