// Every rule of the published Gateway API definitions accepts one value and refuses another, wherever it stands.
// A rule without a row fails: a new release of the definitions asks for new rows.
import assert from 'node:assert/strict';
import test from 'node:test';
import { Budget } from '../../src/kube/custom/cel/environment.ts';
import { schemaType, schemaValue } from '../../src/kube/custom/cel/schema-type.ts';
import { EvalError } from '../../src/kube/custom/cel/values.ts';
import { compileRule } from '../../src/kube/custom/rule-programs.ts';
import { fillDefaults } from '../../src/kube/custom/values/fill-defaults.ts';
import { validateRules } from '../../src/kube/custom/structural/rule-check.ts';
import { absent, channels, definitionsOf, gatewayApiFolder } from './gateway-api.ts';
import { allRules, type PlacedRule } from './gateway-rules.ts';

const policy = (name: string, sectionName?: string) => ({ group: '', kind: 'Service', name, ...(sectionName && { sectionName }) });
const parent = (name: string, more: object = {}) => ({ group: 'g', kind: 'Gateway', name, ...more });
const listener = (more: object) => ({ name: 'a', port: 80, protocol: 'HTTP', ...more });
const many = (count: number) => Array.from({ length: 16 }, () => ({ matches: Array.from({ length: count }, () => ({})) }));
const prefix = { type: 'PathPrefix', value: '/a' };
const exact = { type: 'Exact', value: '/a' };
const replacing = { type: 'ReplacePrefixMatch', replacePrefixMatch: '/b' };
const redirect = { type: 'RequestRedirect', requestRedirect: { path: replacing } };
const rewrite = { type: 'URLRewrite', urlRewrite: { path: replacing } };
const route = (path: object, more: object) => ({ matches: [{ path }], ...more });
const path = (value: string, type = 'Exact') => ({ type, value });
const filters = (...types: string[]) => types.map((type) => ({ type }));

/** What a field demands of the type beside it: `has(field) ⇔ type == name`, as two rules. */
const union = (place: string, [first, second]: [number, number], [field, type]: [string, string]): Row[] => [
  [`${place}#${first}`, { type, [field]: {} }, { type: 'Other', [field]: {} }],
  [`${place}#${second}`, { type: 'Other' }, { type }],
];

/** Place, what is accepted, what is refused; `old` where the rule looks at the value before. */
type Row = [place: string, accepted: unknown, refused: unknown, old?: unknown];

const names = 'BackendTLSPolicy spec.validation.subjectAltNames[]';
const grpcFilter = 'GRPCRoute spec.rules[].backendRefs[].filters';
const httpFilter = 'HTTPRoute spec.rules[].backendRefs[].filters';
const redirectPath = `${httpFilter}[].requestRedirect.path`;
const matchPath = 'HTTPRoute spec.rules[].matches[].path';
const method = 'GRPCRoute spec.rules[].matches[].method';
const auth = `experimental ${httpFilter}[].externalAuth`;

const rows: Row[] = [
  ['BackendTLSPolicy spec.targetRefs#0', [policy('a', 'x'), policy('a', 'y')], [policy('a', 'x'), policy('a')]],
  ['BackendTLSPolicy spec.targetRefs#1', [policy('a'), policy('b')], [policy('a'), policy('a')]],
  ['BackendTLSPolicy spec.validation#0', { wellKnownCACertificates: 'System' }, { wellKnownCACertificates: 'System', caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: 'a' }] }],
  ['BackendTLSPolicy spec.validation#1', { wellKnownCACertificates: 'System' }, { caCertificateRefs: [] }],
  [`${names}#0`, { type: 'Hostname', hostname: 'a.b' }, { type: 'Hostname' }],
  [`${names}#1`, { type: 'URI' }, { type: 'URI', hostname: 'a.b' }],
  [`${names}#2`, { type: 'URI', uri: 'spiffe://a' }, { type: 'URI', uri: '' }],
  [`${names}#3`, { type: 'Hostname' }, { type: 'Hostname', uri: 'spiffe://a' }],
  ['GatewayClass spec.controllerName#0', 'a.b/c', 'a.b/d', 'a.b/c'],
  ['Gateway spec.addresses#0', [{ value: '10.0.0.1' }, { value: '10.0.0.2' }], [{ value: '10.0.0.1' }, { value: '10.0.0.1' }]],
  ['Gateway spec.addresses#1', [{ type: 'Hostname', value: 'a' }, { type: 'IPAddress', value: 'a' }], [{ type: 'Hostname', value: 'a' }, { type: 'Hostname', value: 'a' }]],
  ['Gateway spec.addresses[]#0', { type: 'Hostname', value: '*.example.com' }, { type: 'Hostname', value: 'exa_mple' }],
  ['Gateway spec.infrastructure.annotations#0', { 'example.com/a': 'x', b: 'y' }, { '-a': 'x' }],
  ['Gateway spec.infrastructure.annotations#1', { 'example.com/a': 'x' }, { [`${'a'.repeat(253)}/b`]: 'x' }],
  ['Gateway spec.listeners#0', [listener({})], [listener({ tls: {} })]],
  ['Gateway spec.listeners#1', [listener({ protocol: 'HTTPS', tls: { mode: 'Terminate' } })], [listener({ protocol: 'HTTPS', tls: { mode: 'Passthrough' } })]],
  ['Gateway spec.listeners#2', [listener({ protocol: 'TLS', tls: { mode: 'Passthrough' } })], [listener({ protocol: 'TLS' })]],
  ['Gateway spec.listeners#3', [listener({ protocol: 'TCP' })], [listener({ protocol: 'UDP', hostname: 'a.b' })]],
  ['Gateway spec.listeners#4', [listener({}), listener({ name: 'b' })], [listener({}), listener({ port: 81 })]],
  ['Gateway spec.listeners#5', [listener({ hostname: 'a.b' }), listener({ hostname: 'a.c' })], [listener({}), listener({ name: 'b' })]],
  ['Gateway spec.listeners[].tls#0', { mode: 'Terminate', certificateRefs: [{ name: 'a' }] }, { mode: 'Terminate', certificateRefs: [], options: {} }],
  ['Gateway spec.tls.frontend.perPort#0', [{ port: 1 }, { port: 2 }], [{ port: 1 }, { port: 1 }]],
  ['Gateway status.addresses[]#0', { type: 'Hostname', value: 'a.b' }, { type: 'Hostname', value: 'a..b' }],
  ['GRPCRoute spec.parentRefs#0', [parent('a', { sectionName: 'x' }), parent('a', { sectionName: 'y' })], [parent('a', { sectionName: 'x' }), parent('a')]],
  ['GRPCRoute spec.parentRefs#1', [parent('a'), parent('a', { namespace: 'n' })], [parent('a', { namespace: 'n' }), parent('a', { namespace: 'n' })]],
  ['GRPCRoute spec.rules#0', many(8), many(9)],
  ['GRPCRoute spec.rules[].backendRefs[]#0', { group: '', kind: 'Service', name: 'a', port: 80 }, { group: '', kind: 'Service', name: 'a' }],
  [`${grpcFilter}#0`, filters('RequestHeaderModifier'), filters('RequestHeaderModifier', 'RequestHeaderModifier')],
  [`${grpcFilter}#1`, filters('ResponseHeaderModifier', 'RequestMirror'), filters('ResponseHeaderModifier', 'ResponseHeaderModifier')],
  ...union(`${grpcFilter}[]`, [0, 1], ['requestHeaderModifier', 'RequestHeaderModifier']),
  ...union(`${grpcFilter}[]`, [2, 3], ['responseHeaderModifier', 'ResponseHeaderModifier']),
  ...union(`${grpcFilter}[]`, [4, 5], ['requestMirror', 'RequestMirror']),
  ...union(`${grpcFilter}[]`, [6, 7], ['extensionRef', 'ExtensionRef']),
  [`${grpcFilter}[].requestMirror#0`, { percent: 1 }, { percent: 1, fraction: { numerator: 1 } }],
  [`${grpcFilter}[].requestMirror.fraction#0`, { numerator: 1 }, { numerator: 3, denominator: 2 }],
  [`${method}#0`, { type: 'Exact', service: 's' }, { type: 'Exact' }],
  [`${method}#1`, { service: 'Foo.Bar' }, { service: 'foo bar' }],
  [`${method}#2`, { method: 'Get_1' }, { method: '1Get' }],
  ['HTTPRoute spec.rules#0', many(8), many(9)],
  ['HTTPRoute spec.rules[]#0', { filters: [redirect] }, { filters: [redirect], backendRefs: [{ name: 'a' }] }],
  ['HTTPRoute spec.rules[]#1', route(prefix, { filters: [redirect] }), route(exact, { filters: [redirect] })],
  ['HTTPRoute spec.rules[]#2', route(prefix, { filters: [rewrite] }), route(exact, { filters: [rewrite] })],
  ['HTTPRoute spec.rules[]#3', route(prefix, { backendRefs: [{ filters: [redirect] }] }), route(exact, { backendRefs: [{ filters: [redirect] }] })],
  ['HTTPRoute spec.rules[]#4', route(prefix, { backendRefs: [{ filters: [rewrite] }] }), route(exact, { backendRefs: [{ filters: [rewrite] }] })],
  [`${httpFilter}#0`, filters('RequestRedirect'), filters('RequestRedirect', 'URLRewrite')],
  [`${httpFilter}#1`, filters('CORS'), filters('CORS', 'CORS')],
  [`${httpFilter}#4`, filters('RequestRedirect', 'CORS'), filters('RequestRedirect', 'RequestRedirect')],
  [`${httpFilter}#5`, filters('URLRewrite'), filters('URLRewrite', 'URLRewrite')],
  ...union(`${httpFilter}[]`, [0, 1], ['cors', 'CORS']),
  ...union(`${httpFilter}[]`, [8, 9], ['requestRedirect', 'RequestRedirect']),
  ...union(`${httpFilter}[]`, [10, 11], ['urlRewrite', 'URLRewrite']),
  [`${httpFilter}[].cors.allowHeaders#0`, ['a', 'b'], ['*', 'b']],
  [`${redirectPath}#0`, { type: 'ReplaceFullPath', replaceFullPath: '/' }, { type: 'ReplaceFullPath' }],
  [`${redirectPath}#1`, { type: 'ReplacePrefixMatch' }, { type: 'ReplacePrefixMatch', replaceFullPath: '/' }],
  [`${redirectPath}#2`, replacing, { type: 'ReplacePrefixMatch' }],
  [`${redirectPath}#3`, { type: 'ReplaceFullPath' }, { type: 'ReplaceFullPath', replacePrefixMatch: '/' }],
  [`${matchPath}#0`, path('/a'), path('a')],
  [`${matchPath}#1`, path('//', 'RegularExpression'), path('/a//b')],
  [`${matchPath}#2`, path('/a/.b'), path('/a/./b')],
  [`${matchPath}#3`, path('/a/..b'), path('/a/../b')],
  [`${matchPath}#4`, path('/a%2e'), path('/a%2fb')],
  [`${matchPath}#5`, path('/a%2E'), path('/a%2Fb')],
  [`${matchPath}#6`, path('/a'), path('/a#b')],
  [`${matchPath}#7`, path('/a..'), path('/a/..')],
  [`${matchPath}#8`, path('/a.'), path('/a/.')],
  [`${matchPath}#9`, path('/a', 'PathPrefix'), path('/a', 'Glob')],
  [`${matchPath}#10`, path('/a%20b'), path('/a b')],
  ['HTTPRoute spec.rules[].timeouts#0', { request: '10s', backendRequest: '1s' }, { request: '1s', backendRequest: '10s' }],
  ['ListenerSet spec.listeners#5', [listener({}), listener({ port: 81 })], [listener({}), listener({ name: 'b' })]],
  ['TLSRoute spec.hostnames#0', ['a.b'], ['a.b', '10.0.0.1']],
  ['TLSRoute spec.hostnames#1', ['a.b', '*.c'], ['A.b']],
  ['TLSRoute spec.hostnames#2', ['*.a.b'], ['a.*.b']],
  ['experimental GRPCRoute spec.parentRefs#0', [parent('a', { port: 1 }), parent('a', { port: 2 })], [parent('a', { port: 1 }), parent('a')]],
  ['experimental GRPCRoute spec.parentRefs#1', [parent('a', { port: 1 }), parent('a', { port: 2 })], [parent('a', { port: 1 }), parent('a', { port: 1 })]],
  ['experimental GRPCRoute spec.rules#1', [{ name: 'a' }, { name: 'b' }, {}, {}], [{ name: 'a' }, { name: 'a' }]],
  ['experimental GRPCRoute spec.rules[].sessionPersistence#0', { absoluteTimeout: '1h', cookieConfig: { lifetimeType: 'Permanent' } }, { cookieConfig: { lifetimeType: 'Permanent' } }],
  ['experimental GRPCRoute spec.rules[].sessionPersistence#1', { type: 'Cookie', cookieConfig: {} }, { type: 'Header', cookieConfig: {} }],
  ...union(`experimental ${httpFilter}[]`, [14, 15], ['externalAuth', 'ExternalAuth']),
  [`${auth}#0`, { protocol: 'GRPC', grpc: {} }, { protocol: 'GRPC' }],
  [`${auth}#1`, { protocol: 'HTTP' }, { protocol: 'HTTP', grpc: {} }],
  [`${auth}#2`, { protocol: 'HTTP', http: {} }, { protocol: 'HTTP' }],
  [`${auth}#3`, { protocol: 'GRPC' }, { protocol: 'GRPC', http: {} }],
  ['experimental XBackend spec#0', { type: 'ExternalHostname', externalHostname: { hostname: 'a.b' } }, { type: 'ExternalHostname' }],
  ['experimental XBackend spec.externalHostname.hostname#0', 'a.example.com', 'a.default.svc.cluster.local'],
  // The rule compares an optional value with null, which is never true: it lets only the empty name pass.
  ['experimental XBackend spec.port.name#0', '', 'A_'],
  ['experimental XBackend spec.tls#0', { mode: 'ClientAndServer', clientCertificateRef: { name: 'a' } }, { mode: 'ClientAndServer' }],
  ['experimental XBackendTrafficPolicy spec.retryConstraint.budget.interval#0', '1m', '2h'],
  ['experimental XBackendTrafficPolicy spec.retryConstraint.minRetryRate.interval#0', '1s', '0s'],
];

const known = new Map(rows.map((row) => [row[0], row]));
const rules = allRules();

function judge({ rule, schemas }: PlacedRule, value: unknown, old: unknown): unknown[] {
  return schemas.map((schema) => {
    const { program } = compileRule(rule, schemaType(schema)!);
    const seen = (one: unknown) => schemaValue(fillDefaults(structuredClone(one), schema), schema);
    try {
      return program.run({ self: seen(value), ...(old !== undefined && { oldSelf: seen(old) }) }, new Budget(1_000_000));
    } catch (error) {
      // A rule that breaks down refuses as well; told apart from one that says no.
      if (error instanceof EvalError) return error.message;
      throw error;
    }
  });
}

test(`every rule of the published definitions has a row, and every row a rule${absent}`, { skip: !gatewayApiFolder }, () => {
  assert.deepEqual(rules.filter(({ name }) => !known.has(name)).map(({ name, rule }) => `${name}: ${rule.rule}`), []);
  const found = new Set(rules.map(({ name }) => name));
  assert.deepEqual(rows.filter(([name]) => !found.has(name)).map(([name]) => name), []);
  assert.equal(rules.length, 96);
});

for (const channel of channels) {
  test(`no rule of the ${channel} channel costs too much, alone or with the others${absent}`, { skip: !gatewayApiFolder }, () => {
    const said = definitionsOf(channel).flatMap(({ spec }) => spec.versions.flatMap(({ schema }) => validateRules(schema!.openAPIV3Schema!, spec.names.kind)));
    assert.deepEqual(said, []);
  });
}

for (const placed of rules) {
  const row = known.get(placed.name);
  if (!row) continue;
  const [name, accepted, refused, old] = row;
  test(`${name} accepts and refuses at ${placed.schemas.length} places`, () => {
    assert.deepEqual([...new Set(judge(placed, accepted, old))], [true], JSON.stringify(accepted));
    assert.deepEqual([...new Set(judge(placed, refused, old))], [false], JSON.stringify(refused));
  });
}
