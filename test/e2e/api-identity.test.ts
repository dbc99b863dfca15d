// Who may come in, and as whom: certificates, tokens, nobody; and the reviews that ask about it.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openCertificates } from '../../src/control/apiserver/identity/certificates.ts';
import { type ApiUnderTest, startApi } from './api-under-test.ts';

let api: ApiUnderTest;
before(async () => {
  api = await startApi({ tokens: [{ token: 's3cret', user: { name: 'bob', groups: ['dev'] } }] });
});
after(() => api.close());

const whoami = (options: object) => api.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: {}, ...options });

test('P0-1: a client certificate names the user and the groups', async () => {
  const reply = await whoami({});
  assert.equal(reply.code, 201);
  assert.deepEqual(reply.json.status.userInfo, { username: 'admin', groups: ['system:masters', 'system:authenticated'] });
});

test('P0-1: a bearer token names its user', async () => {
  const reply = await whoami({ token: 's3cret' });
  assert.deepEqual(reply.json.status.userInfo, { username: 'bob', groups: ['dev', 'system:authenticated'] });
});

test('whoever may impersonate acts as somebody else', async () => {
  const as = (user: string, group?: string) => ({ headers: { 'impersonate-user': user, ...(group && { 'impersonate-group': group }) } });
  const { userInfo } = (await whoami(as('ann', 'dev'))).json.status;
  assert.deepEqual(userInfo, { username: 'ann', groups: ['dev', 'system:authenticated'] });
  const account = (await whoami(as('system:serviceaccount:one:two'))).json.status.userInfo;
  assert.deepEqual(account.groups, ['system:serviceaccounts', 'system:serviceaccounts:one', 'system:authenticated']);
  const nobody = await api.call('GET', '/version', { anonymous: true, ...as('ann') });
  assert.equal(nobody.json.message, 'users "ann" is forbidden: User "system:anonymous" cannot impersonate resource "users" in API group "" at the cluster scope');
});

for (const path of ['/healthz', '/version', '/api/v1/pods']) {
  test(`a wrong token is refused everywhere: ${path}`, async () => {
    const reply = await api.call('GET', path, { token: 'wrong' });
    assert.deepEqual(reply.json, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: 'Unauthorized', reason: 'Unauthorized', code: 401 });
  });
}

const open: [string, number, string?][] = [
  ['/healthz', 200],
  ['/livez', 200],
  ['/readyz', 200],
  ['/version', 200],
  ['/api', 403, 'forbidden: User "system:anonymous" cannot get path "/api"'],
  ['/openapi/v3', 403, 'forbidden: User "system:anonymous" cannot get path "/openapi/v3"'],
  ['/api/v1/nodes/n1', 403, 'nodes "n1" is forbidden: User "system:anonymous" cannot get resource "nodes" in API group "" at the cluster scope'],
  ['/api/v1/namespaces/default/services', 403, 'services is forbidden: User "system:anonymous" cannot list resource "services" in API group "" in the namespace "default"'],
];
for (const [path, code, message] of open) {
  test(`nobody in particular gets ${code} at ${path}`, async () => {
    const reply = await api.call('GET', path, { anonymous: true });
    assert.equal(reply.code, code);
    if (message) assert.equal(reply.json.message, message);
  });
}

test('P0-1: a certificate of another authority is refused', async () => {
  const other = await openCertificates({ servingNames: [] });
  const stranger = await other.issueClient('admin', ['system:masters']);
  const code = await new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port: api.port, path: '/api', ca: api.ca, cert: stranger.cert, key: stranger.key, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
  assert.equal(code, 401);
});

test('P0-10: a service account gets a token that lets it in as itself', async () => {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } };
  const issued = await api.call('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', { body });
  assert.equal(issued.code, 201);
  const { token } = issued.json.status;
  const { status } = (await whoami({ token })).json;
  assert.equal(status.userInfo.username, 'system:serviceaccount:default:default');
  assert.deepEqual(status.userInfo.groups, ['system:serviceaccounts', 'system:serviceaccounts:default', 'system:authenticated']);
  const review = await api.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token } } });
  assert.equal(review.json.status.authenticated, true);
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
  assert.equal(claims.sub, 'system:serviceaccount:default:default');
  assert.equal(claims.exp - claims.iat, 600);
  assert.equal(claims['kubernetes.io'].serviceaccount.name, 'default');
});

test('P0-10: what a TokenRequest leaves out may be null', async () => {
  const body = { spec: { audiences: null, expirationSeconds: null, boundObjectRef: null } };
  const reply = await api.call('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', { body });
  assert.deepEqual([reply.code, reply.json.spec.expirationSeconds], [201, 3600]);
});

test('P0-10: a token for less than ten minutes is refused', async () => {
  const body = { spec: { expirationSeconds: 10 } };
  const reply = await api.call('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', { body });
  assert.equal(reply.code, 422);
  assert.match(reply.json.message, /may not specify a duration less than 10 minutes/);
});

test('P1-8: a token of an account that is gone lets nobody in', async () => {
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  await api.call('POST', accounts, { body: { metadata: { name: 'short' } } });
  const { token } = (await api.call('POST', `${accounts}/short/token`, { body: { spec: {} } })).json.status;
  await api.call('DELETE', `${accounts}/short`);
  assert.equal((await api.call('GET', '/version', { token })).code, 401);
  const review = await api.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token } } });
  assert.deepEqual(review.json.status, { user: {}, error: 'invalid bearer token' });
});

test('P1-8: the public keys verify tokens elsewhere', async () => {
  const { createLocalJWKSet, jwtVerify } = await import('jose');
  const { token } = (await api.call('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', { body: { spec: { audiences: ['elsewhere'] } } })).json.status;
  const keys = await api.call('GET', '/openid/v1/jwks');
  assert.equal(keys.headers['content-type'], 'application/jwk-set+json');
  const { payload } = await jwtVerify(token, createLocalJWKSet(JSON.parse(keys.text)), { audience: 'elsewhere' });
  assert.equal(payload.iss, (await api.call('GET', '/.well-known/openid-configuration')).json.issuer);
});

test('P0-12: access and rules reviews answer for whoever asks', async () => {
  const ask = { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } };
  const own = await api.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body: ask });
  assert.deepEqual([own.code, own.json.status], [201, { allowed: true }]);
  const other = await api.call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { body: { spec: { ...ask.spec, user: 'system:anonymous', groups: [] } } });
  assert.equal(other.json.status.allowed, false);
  const rules = await api.call('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', { body: { spec: { namespace: 'default' } } });
  assert.equal(rules.json.status.incomplete, false);
});

test('certificates are kept: the second opening finds the first ones, and new names make a new serving certificate', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'fairlead-ca-'));
  t.after(() => rm(folder, { recursive: true }));
  const first = await openCertificates({ folder, servingNames: ['10.0.2.4'] });
  const second = await openCertificates({ folder, servingNames: ['10.0.2.4'] });
  assert.deepEqual([second.ca, second.serving, second.tokenKey], [first.ca, first.serving, first.tokenKey]);
  const third = await openCertificates({ folder, servingNames: ['10.0.2.4', 'api.example.org'] });
  assert.equal(third.ca.cert, first.ca.cert);
  assert.notEqual(third.serving.cert, first.serving.cert);
  assert.equal((await stat(join(folder, 'ca.key'))).mode & 0o777, 0o600);
  assert.equal(await readFile(join(folder, 'apiserver.crt'), 'utf8'), third.serving.cert);
});
