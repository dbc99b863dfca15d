import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { deepFreeze } from '../../base/data/freeze.ts';
import type { Service } from '../../kube/objects/core.ts';
import type { EndpointSlice, Ingress, IngressPath, SliceEndpoint } from '../../kube/objects/networking.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import type { Snapshot } from '../../kube/store/store.ts';
import type { HostRoutes, Route, Scope } from '../network-model.ts';
import { compileListeners } from './compile-listeners.ts';
import { findHost, findRoute, requestPath } from './find-route.ts';

const controller = 'fairlead.dev/ingress';
const newScope = (): Scope => ({ clusterDomain: 'cluster.local', podCIDRs: [], serviceCIDRs: [], ingressControllers: [controller] });
const ourClass = { apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'fairlead' }, spec: { controller } };

function snapshot(objects: KubeObject[]): Snapshot {
  const lists = new Map<string, KubeObject[]>();
  for (const object of objects) lists.set(object.kind, [...(lists.get(object.kind) ?? []), deepFreeze(object)]);
  const none: KubeObject[] = [];
  return {
    revision: 1,
    list: (kind) => (lists.get(kind.kind) ?? none) as never,
    get: (kind, name, namespace) =>
      lists.get(kind.kind)?.find((each) => each.metadata.name === name && each.metadata.namespace === namespace) as never,
  };
}

const service = (name: string, spec: Partial<Service['spec']> = {}): Service => ({
  apiVersion: 'v1', kind: 'Service', metadata: { namespace: 'default', name }, spec: { ports: [{ name: 'http', port: 80 }], ...spec },
});

const slice = (name: string, endpoints: SliceEndpoint[], more: Partial<EndpointSlice> = {}): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', endpoints, ports: [{ name: 'http', port: 8080 }],
  metadata: { namespace: 'default', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } }, ...more,
});

/** A Service with one ready pod, named so that a route can be told by its backend. */
const app = (name: string): KubeObject[] => [service(name), slice(name, [{ addresses: ['10.244.1.1'] }])];

const to = (name: string, port: { name?: string; number?: number } = { number: 80 }) => ({ service: { name, port } });

const ingress = (name: string, spec: Ingress['spec'], metadata: Partial<Ingress['metadata']> = {}): Ingress => ({
  apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { namespace: 'default', name, ...metadata },
  spec: { ingressClassName: 'fairlead', ...spec },
});

const compile = (objects: KubeObject[], scope = newScope()) => compileListeners(snapshot([ourClass, ...objects]), scope);

/** `GET host path` → the name of the Service that gets it, or the code of the fixed answer. */
function ask(objects: KubeObject[], host: string, target: string, listener = '*:80'): string {
  const hosts = compile(objects).listeners.get(listener)!.hosts;
  const found = findHost(hosts, host);
  const route = found && findRoute(found, requestPath(target) ?? '');
  if (!route) return '404';
  return route.backend.type === 'endpoints' ? route.backend.service.name : String(route.backend.code);
}

// --- The path table of the Ingress documentation ------------------------------------------------------------------

const pathTable: [id: string, rules: string, request: string, goesTo: string][] = [
  ['ING-22', 'Prefix /', '/any/thing', 'Prefix /'],
  ['ING-23', 'Exact /foo', '/foo', 'Exact /foo'],
  ['ING-24', 'Exact /foo', '/bar', 'none'],
  ['ING-25', 'Exact /foo', '/foo/', 'none'],
  ['ING-26', 'Exact /foo/', '/foo', 'none'],
  ['ING-27', 'Prefix /foo', '/foo', 'Prefix /foo'],
  ['ING-27', 'Prefix /foo', '/foo/', 'Prefix /foo'],
  ['ING-28', 'Prefix /foo/', '/foo', 'Prefix /foo/'],
  ['ING-28', 'Prefix /foo/', '/foo/', 'Prefix /foo/'],
  ['ING-29', 'Prefix /aaa/bb', '/aaa/bbb', 'none'],
  ['ING-30', 'Prefix /aaa/bbb', '/aaa/bbb', 'Prefix /aaa/bbb'],
  ['ING-31', 'Prefix /aaa/bbb/', '/aaa/bbb', 'Prefix /aaa/bbb/'],
  ['ING-32', 'Prefix /aaa/bbb', '/aaa/bbb/', 'Prefix /aaa/bbb'],
  ['ING-33', 'Prefix /aaa/bbb', '/aaa/bbb/ccc', 'Prefix /aaa/bbb'],
  ['ING-34', 'Prefix /aaa/bbb', '/aaa/bbbxyz', 'none'],
  ['ING-35', 'Prefix /, Prefix /aaa', '/aaa/ccc', 'Prefix /aaa'],
  ['ING-36', 'Prefix /, Prefix /aaa, Prefix /aaa/bbb', '/aaa/bbb', 'Prefix /aaa/bbb'],
  ['ING-37', 'Prefix /, Prefix /aaa, Prefix /aaa/bbb', '/ccc', 'Prefix /'],
  ['ING-38', 'Prefix /aaa', '/ccc', 'none'],
  ['ING-39', 'Prefix /foo, Exact /foo', '/foo', 'Exact /foo'],
  ['ING-40', 'Prefix /foo/bar', '/foo/bar/baz', 'Prefix /foo/bar'],
  ['ING-40', 'Prefix /foo/bar', '/foo/barbaz', 'none'],
  ['ING-41', 'Prefix /foo', '/FOO', 'none'],
  ['ING-41', 'Exact /Foo', '/foo', 'none'],
  ['ING-42', 'Exact /foo, Prefix /foo/bar', '/foo/bar', 'Prefix /foo/bar'],
  ['ING-43', 'ImplementationSpecific /web/*', '/web/v1', 'ImplementationSpecific /web/*'],
  ['ING-43', 'ImplementationSpecific /bar/*', '/barn', 'none'],
  ['ING-43', 'ImplementationSpecific ', '/x', 'ImplementationSpecific '],
  ['ING-48', 'Exact /foo', '/foo?a=/bar#c', 'Exact /foo'],
  ['rule 11', 'Prefix /admin, Prefix /', '/public/../admin', 'Prefix /admin'],
  ['rule 11', 'Prefix /admin, Prefix /', '/%61dmin/x', 'Prefix /admin'],
  ['rule 11', 'Prefix /admin, Prefix /', '//admin/./x', 'Prefix /admin'],
];

for (const [id, rules, request, goesTo] of pathTable)
  test(`${id}: of ${rules}, ${request} takes ${goesTo}`, () => {
    const names = rules.split(', ');
    const paths = names.map((rule, i): IngressPath => {
      const [pathType, path] = rule.split(' ') as [IngressPath['pathType'], string];
      return { pathType, ...(path ? { path } : {}), backend: to(`s${i}`) };
    });
    const objects = [ingress('web', { rules: [{ http: { paths } }], defaultBackend: to('none') }), ...app('none'), ...names.flatMap((_, i) => app(`s${i}`))];
    const answer = ask(objects, 'foo.bar.com', request);
    assert.equal(answer === 'none' ? 'none' : names[Number(answer.slice(1))], goesTo);
  });

test('a path that climbs above the root or does not decode has no meaning', () => {
  for (const target of ['/..', '/a/../../b', '/%zz', '/%00', '/%2e%2e/x', '/%ff']) assert.equal(requestPath(target), undefined, target);
});

test('looking a route up finds what reading the list from the top finds', () => {
  const segment = fc.constantFrom('', 'a', 'b', 'ab');
  const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.filter((part, i) => part || i === parts.length - 1).join('/')}`);
  const rule = fc.record({ path, pathType: fc.constantFrom('Exact' as const, 'Prefix' as const) });
  const firstHit = ({ routes }: HostRoutes, asked: string): Route | undefined =>
    routes.find(({ match }) =>
      match.type === 'Exact' ? match.path === asked : match.path === '/' || asked === match.path || asked.startsWith(`${match.path}/`));
  fc.assert(
    fc.property(fc.array(rule, { minLength: 1, maxLength: 8 }), path, (rules, asked) => {
      const paths = rules.map((each) => ({ ...each, backend: to('web') }));
      const host = compile([ingress('web', { rules: [{ http: { paths } }] })]).listeners.get('*:80')!.hosts.get('*')!;
      assert.equal(findRoute(host, asked), firstHit(host, asked));
    }),
  );
});

// --- Hosts ------------------------------------------------------------------------------------------------------------

const all = (name: string) => ({ paths: [{ path: '/', pathType: 'Prefix' as const, backend: to(name) }] });

const hostTable: [id: string, hosts: string[], request: string, goesTo: string][] = [
  ['ING-16: a rule without host matches every host', ['*'], 'any.thing', '*'],
  ['ING-17: a rule with host matches only that host', ['foo.bar.com'], 'bar.foo.com', '404'],
  ['ING-44: a wildcard matches one label', ['*.foo.com'], 'bar.foo.com', '*.foo.com'],
  ['ING-45: a wildcard does not match two labels', ['*.foo.com'], 'baz.bar.foo.com', '404'],
  ['ING-46: a wildcard does not match its own suffix', ['*.foo.com'], 'foo.com', '404'],
  ['ING-47: an exact host beats a wildcard', ['*', '*.foo.com', 'bar.foo.com'], 'bar.foo.com', 'bar.foo.com'],
  ['ING-47: a wildcard beats no host', ['*', '*.foo.com'], 'bar.foo.com', '*.foo.com'],
  ['ING-53: an absent Host header takes the rule without host', ['first.bar.com', 'second.bar.com', '*'], '', '*'],
];

for (const [name, hosts, request, goesTo] of hostTable)
  test(name, () => {
    const rules = hosts.map((host, i) => ({ ...(host === '*' ? {} : { host }), http: all(`s${i}`) }));
    const answer = ask([ingress('web', { rules }), ...hosts.flatMap((_, i) => app(`s${i}`))], request, '/');
    assert.equal(answer === '404' ? answer : hosts[Number(answer.slice(1))], goesTo);
  });

test('ING-19: an Ingress with only a default backend gets everything', () => {
  assert.equal(ask([ingress('test-ingress', { defaultBackend: to('test') }), ...app('test')], 'x.y', '/z'), 'test');
});

test('ING-20: what matches no rule gets the default backend of its Ingress, and 404 when there is none', () => {
  const rule = { host: 'a.com', http: { paths: [{ path: '/x', pathType: 'Prefix' as const, backend: to('x') }] } };
  assert.equal(ask([ingress('i', { rules: [rule], defaultBackend: to('d') }), ...app('x'), ...app('d')], 'a.com', '/y'), 'd');
  assert.equal(ask([ingress('i', { rules: [rule] }), ...app('x')], 'a.com', '/y'), '404');
});

test('ING-21: a host rule without http sends all of that host to the default backend', () => {
  const objects = [ingress('i', { rules: [{ host: 'a.com' }], defaultBackend: to('d') }), ingress('j', { rules: [{ http: all('x') }] }), ...app('x'), ...app('d')];
  assert.equal(ask(objects, 'a.com', '/y'), 'd');
  assert.equal(ask(objects, 'b.com', '/y'), 'x');
});

test('a default backend serves only hosts of its own Ingress and hosts that nobody names', () => {
  const objects = [ingress('catch-all', { defaultBackend: to('d') }), ingress('other', { rules: [{ host: 'a.com', http: { paths: [{ path: '/x', pathType: 'Exact', backend: to('x') }] } }] }), ...app('x'), ...app('d')];
  assert.equal(ask(objects, 'a.com', '/secret'), '404');
  assert.equal(ask(objects, 'b.com', '/'), 'd');
});

test('ING-49: two Ingresses of one host are merged; on the same path the older wins and the other is told', () => {
  const path = (p: string, s: string) => ({ path: p, pathType: 'Prefix' as const, backend: to(s) });
  const young = ingress('a', { rules: [{ host: 'a.com', http: { paths: [path('/x', 'young'), path('/y', 'young')] } }] }, { creationTimestamp: '2024-02-01T00:00:00Z' });
  const old = ingress('b', { rules: [{ host: 'a.com', http: { paths: [path('/x/', 'old')] } }] }, { creationTimestamp: '2024-01-01T00:00:00Z' });
  const objects = [young, old, ...app('young'), ...app('old')];
  assert.equal(ask(objects, 'a.com', '/x'), 'old');
  assert.equal(ask(objects, 'a.com', '/y'), 'young');
  assert.deepEqual(compile(objects).problems, [
    { about: { kind: 'Ingress', namespace: 'default', name: 'a' }, reason: 'RouteConflict', message: 'a.com Prefix /x already belongs to Ingress default/b, which is older' },
  ]);
});

// --- Classes ----------------------------------------------------------------------------------------------------------

const classTable: [name: string, spec: Partial<Ingress['spec']>, annotation: string | undefined, served: boolean, problem: boolean][] = [
  ['ICL-08: a class of our controller is served', { ingressClassName: 'fairlead' }, undefined, true, false],
  ['ICL-08: a class of another controller is not', { ingressClassName: 'nginx' }, undefined, false, false],
  ['ICL-09: a class that does not exist is served by nobody, and said so', { ingressClassName: 'ghost' }, undefined, false, true],
  ['ICL-14: no class at all is served by nobody, and said so', { ingressClassName: undefined }, undefined, false, true],
  ['ICL-15: the legacy annotation counts', { ingressClassName: undefined }, 'fairlead', true, false],
  ['ICL-15: the legacy annotation of another controller counts too', { ingressClassName: undefined }, 'nginx', false, false],
];

for (const [name, spec, annotation, served, problem] of classTable)
  test(name, () => {
    const nginx = { ...ourClass, metadata: { name: 'nginx' }, spec: { controller: 'k8s.io/ingress-nginx' } };
    const metadata = annotation ? { annotations: { 'kubernetes.io/ingress.class': annotation } } : {};
    const { listeners, problems } = compile([nginx, ingress('web', { defaultBackend: to('web'), ...spec }, metadata), ...app('web')]);
    assert.equal(listeners.get('*:80')!.hosts.size, served ? 1 : 0);
    assert.deepEqual(problems.map((each) => each.message.split(':')[0]), problem ? ['ingress does not contain a valid IngressClass'] : []);
  });

// --- The examples of the documentation ------------------------------------------------------------------------------------

const prefix = (path: string, name: string, number = 80): IngressPath => ({ path, pathType: 'Prefix', backend: to(name, { number }) });
const examples: [name: string, spec: Ingress['spec'], asked: readonly (readonly [host: string, path: string, goesTo: string])[]][] = [
  ['ING-51: simple fan-out', { rules: [{ host: 'foo.bar.com', http: { paths: [prefix('/foo', 'service1', 4200), prefix('/bar', 'service2', 8080)] } }] }, [['foo.bar.com', '/foo', 'service1'], ['foo.bar.com', '/bar/x', 'service2'], ['foo.bar.com', '/', '404'], ['other.com', '/foo', '404']]],
  ['ING-52: name-based hosting', { rules: [{ host: 'foo.bar.com', http: { paths: [prefix('/', 'service1')] } }, { host: 'bar.foo.com', http: { paths: [prefix('/', 'service2')] } }] }, [['foo.bar.com', '/', 'service1'], ['bar.foo.com', '/x', 'service2'], ['bar.com', '/', '404']]],
  ['ING-55: a default and two hosts', { defaultBackend: to('other', { number: 8080 }), rules: [{ host: 'foo.mydomain.com', http: { paths: [prefix('/', 'foo', 8080)] } }, { host: 'mydomain.com', http: { paths: [{ path: '/bar/*', pathType: 'ImplementationSpecific', backend: to('bar', { number: 8080 }) }] } }] }, [['foo.mydomain.com', '/x', 'foo'], ['mydomain.com', '/bar/x', 'bar'], ['mydomain.com', '/', 'other'], ['elsewhere.com', '/', 'other']]],
  ['ING-58: one host over two applications', { rules: [{ host: 'www.test.com', http: { paths: [prefix('/app1', 'one'), prefix('/app2', 'two')] } }] }, [['www.test.com', '/app1/', 'one'], ['www.test.com', '/app2', 'two'], ['www.test.com', '/app3', '404']]],
  ['ING-78: an Ingress of nothing but a default answers for all that nobody names', { defaultBackend: to('default-http-backend') }, [['any.thing', '/x', 'default-http-backend']]],
];
for (const [name, spec, asked] of examples) {
  test(`${name} leads as the documentation says`, () => {
    const names = [...new Set(JSON.stringify(spec).match(/"name":"([^"]+)"/g))].map((text) => text.slice(8, -1));
    const backends = names.flatMap((each) => [service(each, { ports: [{ name: 'http', port: 80 }, { name: 'a', port: 8080 }, { name: 'b', port: 4200 }] }), slice(each, [{ addresses: ['10.244.1.1'] }], { ports: ['http', 'a', 'b'].map((port) => ({ name: port, port: 8080 })) })]);
    for (const [host, path, goesTo] of asked) assert.equal(ask([ingress('i', spec), ...backends], host, path), goesTo, `${host}${path}`);
  });
}

test('ING-76: an Ingress opens ports 80 and 443, whatever it says', () => {
  const odd = ingress('i', { rules: [{ host: 'a.com', http: { paths: [prefix('/', 'web', 9090)] } }], tls: [{ hosts: ['a.com'], secretName: 'exact' }] });
  assert.deepEqual([...compile([odd, exact, ...app('web')]).listeners.keys()].toSorted(), ['*:443', '*:80']);
});

test('ING-79: a Secret that comes after its Ingress is used as soon as it is there', () => {
  const waiting = ingress('i', { rules: [{ host: 'a.com', http: all('web') }], tls: [{ hosts: ['a.com'], secretName: 'exact' }] });
  const certificate = (...more: KubeObject[]) => compile([waiting, ...app('web'), ...more]).listeners.get('*:443')!.hosts.get('a.com')!.certificate?.origin.name;
  assert.deepEqual([certificate(), certificate(exact)], [undefined, 'exact']);
});

test('ING-92: annotations for other controllers change nothing and are no problem', () => {
  const spec = { rules: [{ host: 'a.com', http: all('web') }] };
  const annotations = { 'haproxy.org/request-redirect': 'b.com', 'traefik.ingress.kubernetes.io/router.entrypoints': 'web', 'nginx.ingress.kubernetes.io/unheard-of': 'x' };
  const [plain, annotated] = [compile([ingress('i', spec), ...app('web')]), compile([ingress('i', spec, { annotations }), ...app('web')])];
  assert.deepEqual([...annotated.listeners.get('*:80')!.hosts], [...plain.listeners.get('*:80')!.hosts]);
  assert.deepEqual(annotated.problems, []);
});

test('ICL-17: an Ingress that moves to a class of another controller leaves, and comes when it moves here', () => {
  const spec = { rules: [{ host: 'a.com', http: all('web') }] };
  const theirs = { ...ourClass, metadata: { name: 'theirs' }, spec: { controller: 'example.com/x' } };
  const answer = (ingressClassName: string) => ask([theirs, ingress('other', { ...spec, rules: [{ host: 'b.com', http: all('web') }] }), ingress('i', { ...spec, ingressClassName }), ...app('web')], 'a.com', '/');
  assert.deepEqual(['fairlead', 'theirs', 'fairlead'].map(answer), ['web', '404', 'web']);
});

test('ING-02: without a controller of ours there is no listener', () => {
  const scope = { ...newScope(), ingressControllers: [] };
  assert.equal(compile([ingress('web', { defaultBackend: to('web') })], scope).listeners.size, 0);
});

// --- Backends -------------------------------------------------------------------------------------------------------

function backend(objects: KubeObject[], named = to('web')): string {
  const { listeners } = compile([ingress('i', { defaultBackend: named }), ...objects]);
  const found = listeners.get('*:80')!.hosts.get('*')!.routes[0]!.backend;
  return found.type === 'answer' ? String(found.code) : found.endpoints.map((each) => `${each.address}:${each.port}`).join(' ');
}

const ready = { addresses: ['10.244.1.1'] };
const notReady = { addresses: ['10.244.1.2'], conditions: { ready: false } };
const draining = { addresses: ['10.244.1.3'], conditions: { ready: false, serving: true, terminating: true } };
const gone = { addresses: ['10.244.1.4'], conditions: { ready: false, serving: false, terminating: true } };
const six = slice('web', [{ addresses: ['fd00::1'] }], { addressType: 'IPv6' });

const backendTable: [name: string, objects: KubeObject[], answer: string, named?: ReturnType<typeof to>][] = [
  ['ING-67: endpoints come from slices, at the port of the pod', [service('web'), slice('web', [ready])], '10.244.1.1:8080'],
  ['ING-69: endpoints that are not ready get nothing', [service('web'), slice('web', [ready, notReady, draining])], '10.244.1.1:8080'],
  ['endpoints that terminate but serve step in when none is ready', [service('web'), slice('web', [notReady, draining, gone])], '10.244.1.3:8080'],
  ['ING-71: a Service without ready endpoints answers 503', [service('web'), slice('web', [notReady, gone])], '503'],
  ['ING-71: a missing Service answers 503', [], '503'],
  ['a port by name', [service('web'), slice('web', [ready])], '10.244.1.1:8080', to('web', { name: 'http' })],
  ['a port that the Service lacks answers 503', [service('web'), slice('web', [ready])], '503', to('web', { number: 81 })],
  ['an unnamed port finds the unnamed slice port', [service('web', { ports: [{ port: 80 }] }), slice('web', [ready], { ports: [{ port: 9376 }] })], '10.244.1.1:9376'],
  ['ING-91: ExternalName is unsupported and answers 503', [service('web', { type: 'ExternalName', externalName: 'a.b' })], '503'],
  ['the first family of the Service is used', [service('web', { ipFamilies: ['IPv6', 'IPv4'] }), slice('web', [ready]), six], 'fd00::1:8080'],
  ['the other family steps in when the first has no endpoints', [service('web', { ipFamilies: ['IPv4', 'IPv6'] }), slice('web', [notReady]), six], 'fd00::1:8080'],
];

for (const [name, objects, answer, named] of backendTable) test(name, () => assert.equal(backend(objects, named), answer));

test('ING-06: a Service of another namespace is out of reach', () => {
  const elsewhere = { ...service('web'), metadata: { namespace: 'other', name: 'web' } };
  assert.equal(backend([elsewhere]), '503');
});

test('ING-07: a resource backend answers 500 and is reported', () => {
  const { listeners, problems } = compile([ingress('i', { defaultBackend: { resource: { kind: 'StorageBucket', name: 'icon-assets' } } })]);
  assert.equal(listeners.get('*:80')!.hosts.get('*')!.routes[0]!.backend.type, 'answer');
  assert.deepEqual(problems.map((each) => each.reason), ['UnsupportedBackend']);
});

// --- TLS --------------------------------------------------------------------------------------------------------------

function makeSecret(name: string, host: string) {
  const dir = mkdtempSync(join(tmpdir(), 'routes-'));
  const file = (end: string) => join(dir, end);
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1', '-subj', `/CN=${host}`,
    '-addext', `subjectAltName=DNS:${host}`, '-keyout', file('key'), '-out', file('crt')], { stdio: 'ignore' });
  const data = { 'tls.crt': readFileSync(file('crt')).toString('base64'), 'tls.key': readFileSync(file('key')).toString('base64') };
  rmSync(dir, { recursive: true });
  return { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata: { namespace: 'default', name }, data };
}

const exact = makeSecret('exact', 'a.com');
const wild = makeSecret('wild', '*.foo.com');
const mixed = { ...exact, metadata: { ...exact.metadata, name: 'mixed' }, data: { ...exact.data, 'tls.key': wild.data['tls.key'] } };

const tlsTable: [name: string, tls: Ingress['spec']['tls'], host: string | undefined, secret: string | undefined, problems: string[]][] = [
  ['ING-62: a host listed in tls gets that certificate', [{ hosts: ['A.com'], secretName: 'exact' }], 'a.com', 'exact', []],
  ['a wildcard certificate covers a host that tls lists as wildcard', [{ hosts: ['*.foo.com'], secretName: 'wild' }], 'bar.foo.com', 'wild', []],
  ['tls without hosts covers what its certificate names', [{ secretName: 'exact' }], 'a.com', 'exact', []],
  ['ING-62: a host that tls neither lists nor covers gets the default certificate', [{ hosts: ['a.com'], secretName: 'exact' }], 'b.com', undefined, []],
  ['ING-62: the rule without host gets no certificate', [{ hosts: ['a.com'], secretName: 'exact' }], undefined, undefined, []],
  ['ING-63: a missing Secret is reported', [{ hosts: ['a.com'], secretName: 'ghost' }], 'a.com', undefined, ['SecretNotFound']],
  ['ING-63: a key of another certificate is reported', [{ hosts: ['a.com'], secretName: 'mixed' }], 'a.com', undefined, ['InvalidCertificate']],
  ['ING-63: rubbish is reported', [{ hosts: ['a.com'], secretName: 'rubbish' }], 'a.com', undefined, ['InvalidCertificate']],
];

for (const [name, tls, host, secret, reasons] of tlsTable)
  test(name, () => {
    const rubbish = { ...exact, metadata: { ...exact.metadata, name: 'rubbish' }, data: { 'tls.crt': 'AAAA', 'tls.key': 'AAAA' } };
    const { listeners, problems } = compile([exact, wild, mixed, rubbish, ingress('i', { tls, rules: [{ host, http: all('web') }] }), ...app('web')]);
    assert.equal(listeners.get('*:443')!.hosts.get(host ?? '*')!.certificate?.origin.name, secret);
    assert.equal(listeners.get('*:80')!.hosts.get(host ?? '*')!.certificate, undefined);
    assert.deepEqual(problems.map((each) => each.reason), reasons);
  });

const redirectTable: [name: string, annotations: Record<string, string>, tls: boolean, redirects: boolean][] = [
  ['ING-65: plain HTTP is redirected when TLS is configured', {}, true, true],
  ['ING-65: ssl-redirect "false" leaves plain HTTP alone', { 'nginx.ingress.kubernetes.io/ssl-redirect': 'false' }, true, false],
  ['ING-65: force-ssl-redirect redirects without TLS of our own', { 'nginx.ingress.kubernetes.io/force-ssl-redirect': 'true' }, false, true],
  ['ING-65: no TLS, no redirect', {}, false, false],
];

for (const [name, annotations, tls, redirects] of redirectTable)
  test(name, () => {
    const spec = { rules: [{ host: 'a.com', http: all('web') }], ...(tls ? { tls: [{ hosts: ['a.com'], secretName: 'exact' }] } : {}) };
    const { listeners } = compile([exact, ingress('i', spec, { annotations }), ...app('web')]);
    const filters = (key: string) => listeners.get(key)!.hosts.get('a.com')!.routes[0]!.filters ?? [];
    assert.deepEqual(filters('*:80').map((each) => each.type), redirects ? ['redirect-to-https'] : []);
    assert.deepEqual(filters('*:443'), []);
  });

// --- Identity ---------------------------------------------------------------------------------------------------------

test('what did not change keeps its identity from one compile to the next', () => {
  const scope = newScope();
  const rules = (host: string, name: string) => ({ rules: [{ host, http: all(name) }] });
  const still = [exact, ingress('a', rules('a.com', 'a')), ingress('b', rules('b.com', 'b')), ...app('a'), service('b')];
  const first = compile([...still, slice('b', [ready])], scope).listeners;
  assert.equal(compile([...still, slice('b', [ready])], scope).listeners, first);
  const second = compile([...still, slice('b', [ready, { addresses: ['10.244.1.9'] }])], scope).listeners;
  assert.equal(second.get('*:80')!.hosts.get('a.com'), first.get('*:80')!.hosts.get('a.com'));
  assert.notEqual(second.get('*:80')!.hosts.get('b.com'), first.get('*:80')!.hosts.get('b.com'));
});
