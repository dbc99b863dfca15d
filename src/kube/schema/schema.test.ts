import assert from 'node:assert/strict';
import test from 'node:test';
import { messageTable } from './messages.ts';
import { parseMessageLine, printMessageLine } from './notation.ts';
import { messageNamed, messageOf } from './schema.ts';
import type { Message } from './schema.ts';
import { kinds } from '../kinds/kinds.ts';

const lines = messageTable.split('\n').filter((line) => line && !line.startsWith('['));

test('every line of the table is read and printed back to itself', () => {
  for (const line of lines) assert.equal(printMessageLine(parseMessageLine(line)), line);
});

test('every kind that is served has its fields in the table', () => {
  for (const kind of kinds) assert.ok(messageOf(kind.apiVersion, kind.kind), `${kind.apiVersion} ${kind.kind}`);
});

test('every message that a field names is in the table, and no two fields share a number', () => {
  const seen = new Set<string>();
  const visit = (message: Message): void => {
    if (seen.has(message.name)) return;
    seen.add(message.name);
    assert.equal(message.byNumber.size, message.wireFields.length, message.name);
    for (const field of message.wireFields) if (field.message) visit(field.message);
  };
  let section = '';
  for (const line of messageTable.split('\n')) {
    if (line.startsWith('[')) section = line.slice(1, -1);
    else if (line) visit(messageNamed(`${section}.${parseMessageLine(line).name}`) as Message);
  }
  assert.equal(seen.size, lines.length);
});

test('a service port is merged by port in a strategic patch and by port and protocol in an apply', () => {
  const ports = messageOf('v1', 'Service')?.fields.get('spec')?.message?.fields.get('ports');
  assert.equal(ports?.mergeKey, 'port');
  assert.deepEqual(ports?.apply, ['port', 'protocol']);
  assert.equal(ports?.message?.fields.get('protocol')?.keyDefault, 'TCP');
});

test('fields of an inlined message stand in their parent, as in JSON', () => {
  const volume = messageNamed('v1.Volume');
  assert.ok(volume?.fields.has('emptyDir'));
  assert.ok(!volume?.fields.has('volumeSource'));
});

test('DeleteOptions are known whatever API version a client writes on them', () => {
  assert.equal(messageOf('apps/v1', 'DeleteOptions')?.name, 'meta/v1.DeleteOptions');
});

test('a template is no object of its own: it has no kind', () => assert.equal(messageOf('v1', 'PodTemplateSpec'), undefined));
