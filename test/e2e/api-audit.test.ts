// The audit log, what never enters any log, and fairness between users.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { startApi } from './api-under-test.ts';

describe('with everything logged', () => {
  const word = 'hushhushhush';
  let folder: string;
  let lines: Record<string, unknown>[];
  let logged: string;
  let audited: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fairlead-audit-'));
    const path = join(folder, 'audit.log');
    const env = { ...process.env, FAIRLEAD_LOG: 'trace' };
    const { stderr, stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'secret-traffic.ts'), word, path], { env });
    logged = stderr + stdout;
    audited = await readFile(path, 'utf8');
    lines = audited.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });
  after(() => rm(folder, { recursive: true }));

  test('a line tells who asked for what, and how it was answered', () => {
    const [created] = lines;
    const { kind, level, stage, verb, user, objectRef, responseStatus } = created!;
    assert.deepEqual({ kind, level, stage, verb, user, objectRef, responseStatus }, {
      kind: 'Event',
      level: 'Metadata',
      stage: 'ResponseComplete',
      verb: 'create',
      user: { username: 'eve', groups: ['system:masters', 'system:authenticated'] },
      objectRef: { resource: 'secrets', namespace: 'default', apiVersion: 'v1' },
      responseStatus: { metadata: {}, code: 201 },
    });
  });

  test('every request has an id; the client may choose it', () => {
    assert.equal(lines[1]!['auditID'], 'chosen-by-the-client');
    assert.equal(new Set(lines.map(({ auditID }) => auditID)).size, lines.length);
  });

  test('an impersonated user stands beside the real one', () => {
    const { user, impersonatedUser } = lines.at(-1)! as { user: { username: string }; impersonatedUser: { username: string } };
    assert.deepEqual([user.username, impersonatedUser.username], ['admin', 'bob']);
  });

  test('no secret and no token is in any log, plain or in base64', () => {
    for (const hidden of [word, Buffer.from(word).toString('base64')]) assert.equal((logged + audited).includes(hidden), false);
  });
});

test('one user’s flood is refused with 429 and a time to come back; another user is served meanwhile', async () => {
  const users = ['greedy', 'modest'].map((name) => ({ token: name, user: { name, groups: ['system:authenticated'] } }));
  const api = await startApi({
    tokens: users,
    limits: { seats: 2, seatsPerFlow: 1, queuePerFlow: 2 },
    authorizer: { authorize: () => ({ allowed: true }), rulesOf: () => ({ resource: [], path: [] }) as never },
  });
  try {
    // A read of the future waits for its version: that is how the greedy one holds its seat.
    const future = api.store.snapshot().revision + 1;
    const flood = Array.from({ length: 6 }, () => api.call('GET', `/api/v1/namespaces/default/configmaps/x?resourceVersion=${future}`, { token: 'greedy' }));
    const modest = await api.call('GET', '/api/v1/namespaces/default/configmaps', { token: 'modest' });
    assert.equal(modest.code, 200);
    assert.ok(modest.headers['audit-id']);
    const codes = (await Promise.all(flood)).map(({ code, headers }) => [code, headers['retry-after']]);
    assert.equal(codes.filter(([code]) => code === 429).length, 3);
    assert.ok(codes.every(([code, retry]) => code !== 429 || retry === '1'));
    assert.equal((await api.call('GET', '/livez', { token: 'greedy' })).code, 200);
  } finally {
    await api.close();
  }
});
