// Endpoints, EndpointSlices, Ingresses, classes and policies: rows of what is refused, filled in and shown.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Snapshot } from '../store/store.ts';
import { complaints, defaulted, objectOf, rowOf } from './complaints.ts';
import { endpointSliceKind } from './endpoint-slice.ts';
import { endpointsKind } from './endpoints.ts';
import { ingressClassKind } from './ingress-class.ts';
import { ingressKind } from './ingress.ts';
import { networkPolicyKind } from './network-policy.ts';

type Expected = (string | RegExp)[];
function check(found: string[], expected: Expected): void {
  assert.equal(found.length, expected.length, found.join('\n'));
  for (const [i, one] of expected.entries()) {
    if (typeof one === 'string') assert.equal(found[i], one);
    else assert.match(found[i] ?? '', one);
  }
}

const special = 'may not be in the loopback range (127.0.0.0/8, ::1/128)';
const endpoints: [id: string, subset: object, expected: Expected][] = [
  ['EPT-05: a subset has an address', { ports: [{ port: 80 }] }, ['subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`']],
  ['EPT-05: no special addresses', { addresses: [{ ip: '127.0.0.1' }], notReadyAddresses: [{ ip: 'x' }] }, [`subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": ${special}`, /^subsets\[0\].notReadyAddresses\[0\].ip: Invalid value: "x": must be a valid IP address/]],
  ['a hostname is a label, a node name a subdomain', { addresses: [{ ip: '10.0.0.1', hostname: 'a.b', nodeName: 'N' }] }, ['subsets[0].addresses[0].hostname: Invalid value: "a.b": must not contain dots', /^subsets\[0\].addresses\[0\].nodeName: Invalid value: "N": a lowercase RFC 1123 subdomain/]],
  ['several ports need names', { addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 1 }, { name: 'b', port: 70_000, protocol: 'X' }] }, ['subsets[0].ports[0].name: Required value', 'subsets[0].ports[1].port: Invalid value: 70000: must be between 1 and 65535, inclusive', 'subsets[0].ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"']],
  ['names differ', { addresses: [{ ip: '10.0.0.1' }], ports: [{ name: 'b', port: 1 }, { name: 'b', port: 2 }] }, ['subsets[0].ports[1].name: Duplicate value: "b"']],
];
for (const [about, subset, expected] of endpoints) test(about, () => check(complaints(endpointsKind, { subsets: [subset] }), expected));

test('EPT-04: no update makes Endpoints longer than a thousand addresses; longer ones may shrink', () => {
  const of = (count: number) => ({ subsets: [{ addresses: Array.from({ length: count }, (_, i) => ({ ip: `10.1.${i >> 8}.${i & 255}` })) }, { notReadyAddresses: [{ ip: '10.2.0.1' }] }] });
  check(complaints(endpointsKind, of(1000), of(999)), ['subsets: Too many: 1001: must have at most 1000 items']);
  check(complaints(endpointsKind, of(999), of(1)), []);
  check(complaints(endpointsKind, of(1100), of(1200)), []);
  check(complaints(endpointsKind, of(1200)), []);
});

const many = ['10.0.0.1', '10.0.0.2', '10.0.0.3', 'fd00::1'].map((ip) => ({ ip }));
const endpointCells: [about: string, subsets: object[] | undefined, cell: string][] = [
  ['nothing', undefined, '<none>'],
  ['only ones that are not ready', [{ notReadyAddresses: many, ports: [{ port: 80 }] }], ''],
  ['three and more', [{ addresses: many, ports: [{ port: 80 }] }], '10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 1 more...'],
  ['IPv6 in brackets', [{ addresses: [{ ip: 'fd00::1' }], ports: [{ port: 80 }] }], '[fd00::1]:80'],
  ['no ports', [{ addresses: [{ ip: '10.0.0.1' }] }], '10.0.0.1'],
];
for (const [about, subsets, cell] of endpointCells) test(`Endpoints show ${about}`, () => assert.equal(rowOf(endpointsKind, { subsets })[1], cell));

const tooManyPorts = Array.from({ length: 20_001 }, (_, i) => ({ name: `p${i}`, port: 80 }));
const one = { addresses: ['10.0.0.1'] };
const slices: [id: string, slice: object, expected: Expected][] = [
  ['EPS-40: the sample is fine', { addressType: 'IPv4', ports: [{ name: 'http', protocol: 'TCP', port: 80 }], endpoints: [{ addresses: ['10.1.2.3'], conditions: { ready: true }, hostname: 'pod-1', nodeName: 'node-1', zone: 'us-west2-a' }] }, []],
  ['EPS-06, ESL-23: a type is needed', { endpoints: [] }, ['addressType: Required value']],
  ['EPS-06, ESL-23: types are three', { addressType: 'IPv5', endpoints: [one] }, ['addressType: Unsupported value: "IPv5": supported values: "FQDN", "IPv4", "IPv6"']],
  ['EPS-07: an address is of the type', { addressType: 'IPv4', endpoints: [{ addresses: ['fd00::1'] }] }, ['endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address']],
  ['EPS-07: an address is of the type, the other way', { addressType: 'IPv6', endpoints: [one] }, ['endpoints[0].addresses[0]: Invalid value: "10.0.0.1": must be a valid IPv6 address']],
  ['SVC-37, EPS-07, ESL-46: no loopback address', { addressType: 'IPv4', endpoints: [one, { addresses: ['10.0.0.1', '127.0.0.1'] }] }, [`endpoints[1].addresses[1]: Invalid value: "127.0.0.1": ${special}`]],
  ['EPS-07: a domain has two parts', { addressType: 'FQDN', endpoints: [{ addresses: ['a', 'A.b'] }] }, ['endpoints[0].addresses[0]: Invalid value: "a": should be a domain with at least two segments separated by dots', /"A.b": a lowercase RFC 1123 subdomain/]],
  ['EPS-05, ESL-47: a thousand endpoints', { addressType: 'IPv4', endpoints: Array(1001).fill(one) }, ['endpoints: Too many: 1001: must have at most 1000 items']],
  ['EPS-05, ESL-47: a hundred addresses', { addressType: 'IPv4', endpoints: [{ addresses: Array(101).fill('10.0.0.1') }] }, ['endpoints[0].addresses: Too many: 101: must have at most 100 items']],
  ['EPS-05, ESL-47: both limits may be reached', { addressType: 'IPv4', endpoints: Array(1000).fill({ addresses: Array(100).fill('10.0.0.1') }) }, []],
  ['EPS-05, ESL-47: at least one address', { addressType: 'IPv4', endpoints: [{ addresses: [] }] }, ['endpoints[0].addresses: Required value: must contain at least 1 address']],
  ['EPS-05, ESL-50: ports have a limit', { addressType: 'IPv4', endpoints: [], ports: tooManyPorts }, ['ports: Too many: 20001: must have at most 20000 items']],
  ['EPS-05, ESL-50: and may reach it', { addressType: 'IPv4', endpoints: [], ports: tooManyPorts.slice(1) }, []],
  ['EPS-10, ESL-49: port names differ', { addressType: 'IPv4', endpoints: [], ports: [{ port: 1 }, { port: 2 }] }, ['ports[1].name: Duplicate value: ""']],
  ['EPS-10, ESL-49: ports are checked', { addressType: 'IPv4', endpoints: [], ports: [{ name: 'a.b', protocol: 'X', port: 0, appProtocol: 'a/b/c' }] }, ['ports[0].name: Invalid value: "a.b": must not contain dots', 'ports[0].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"', 'ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive', /^ports\[0\].appProtocol: Invalid value: "a\/b\/c": a qualified name/]],
  ['ESL-48: names and hints are checked', { addressType: 'IPv4', endpoints: [{ ...one, nodeName: 'N', hostname: 'a.b', hints: { forZones: [{ name: 'a' }, { name: 'a' }] } }] }, [/nodeName: Invalid value: "N"/, 'endpoints[0].hostname: Invalid value: "a.b": must not contain dots', 'endpoints[0].hints.forZones[1].name: Duplicate value: "a"']],
  ['ESL-48: hints name eight zones at most', { addressType: 'IPv4', endpoints: [{ ...one, hints: { forZones: [...'abcdefghi'].map((name) => ({ name })) } }] }, ['endpoints[0].hints.forZones: Too many: 9: must have at most 8 items']],
];
for (const [about, slice, expected] of slices) test(about, () => check(complaints(endpointSliceKind, slice), expected));

test('EPS-01, ESL-21: a slice is namespaced, and its name is a DNS subdomain of at most 253 letters', () => {
  const named = (name: string) => complaints(endpointSliceKind, { metadata: { name, namespace: 'default' }, addressType: 'IPv4', endpoints: [] });
  assert.deepEqual([endpointSliceKind.namespaced, named('a.b-1'), named('a'.repeat(253))], [true, [], []]);
  for (const name of ['A', 'a_b', 'a'.repeat(254)]) assert.match(named(name)[0] ?? '', /^metadata\.name: (Invalid value|Too long)/, name);
});

test('EPS-06, ESL-23: a type does not change', () =>
  check(complaints(endpointSliceKind, { addressType: 'IPv6', endpoints: [] }, { addressType: 'IPv4', endpoints: [] }), ['addressType: Invalid value: "IPv6": field is immutable']));

test('EPS-10, EPS-18, ESL-30, ESL-49: ports get a protocol and an empty name, free-form topology is dropped, null ports stay', () => {
  const slice = defaulted(endpointSliceKind, { addressType: 'IPv4', ports: [{ port: 80 }], endpoints: [{ ...one, deprecatedTopology: { a: 'b' } }] });
  assert.deepEqual([slice.ports, slice.endpoints], [[{ name: '', protocol: 'TCP', port: 80 }], [{ addresses: ['10.0.0.1'], conditions: {} }]]);
  assert.equal(defaulted(endpointSliceKind, { addressType: 'IPv4', endpoints: [], ports: null }).ports, null);
});

test('EPS-09, EPS-38: slices are shown, FQDN ones with a warning', () => {
  const slice = { addressType: 'FQDN', endpoints: [{ addresses: ['a.b', 'c.d'] }], ports: [{ port: 80 }, { name: 'x' }, {}] };
  assert.deepEqual(rowOf(endpointSliceKind, slice).slice(1, 4), ['FQDN', '80,x,*', 'a.b,c.d']);
  assert.deepEqual(rowOf(endpointSliceKind, { addressType: 'IPv4', endpoints: [] }).slice(1, 4), ['IPv4', '<unset>', '<unset>']);
  assert.deepEqual(endpointSliceKind.warnings?.(objectOf(endpointSliceKind, slice)), ['spec.addressType: FQDN endpoints are deprecated']);
});

const backend = { service: { name: 'web', port: { number: 80 } } };
const withPath = (path: object, host?: string) => ({ rules: [{ ...(host && { host }), http: { paths: [{ path: '/', pathType: 'Prefix', backend, ...path }] } }] });
const at = 'spec.rules[0].http.paths[0]';
const ingresses: [id: string, spec: object, expected: Expected][] = [
  ['ING-03: a rule or a default', {}, ['spec: Invalid value: "": either `defaultBackend` or `rules` must be specified']],
  ['ING-05: a back-end names a port', { defaultBackend: { service: { name: 'web' } } }, ['spec.defaultBackend: Required value: port name or number is required']],
  ['ING-05: one port', { defaultBackend: { service: { name: 'web', port: { number: 80, name: 'http' } } } }, ['spec.defaultBackend: Invalid value: "": cannot set both port name & port number']],
  ['ING-05: a Service name', { defaultBackend: { service: { port: { number: 80 } } } }, ['spec.defaultBackend.service.name: Required value']],
  ['ING-05: a good Service name', { defaultBackend: { service: { name: '1', port: { number: 80 } } } }, [/^spec.defaultBackend.service.name: Invalid value: "1": a DNS-1035 label/]],
  ['ING-05: port numbers', { defaultBackend: { service: { name: 'web', port: { number: 70_000 } } } }, ['spec.defaultBackend.service.port.number: Invalid value: 70000: must be between 1 and 65535, inclusive']],
  ['ING-05: port names', { defaultBackend: { service: { name: 'web', port: { name: 'a--b' } } } }, ['spec.defaultBackend.service.port.name: Invalid value: "a--b": must not contain consecutive hyphens']],
  ['ING-07: a resource or a service', { defaultBackend: {} }, ['spec.defaultBackend: Invalid value: "": resource or service backend is required']],
  ['ING-07: not both', { defaultBackend: { ...backend, resource: { kind: 'B', name: 'b' } } }, ['spec.defaultBackend: Invalid value: "": cannot set both resource and service backends']],
  ['ING-07: a resource has kind and name', { defaultBackend: { resource: { apiGroup: 'A' } } }, [/^spec.defaultBackend.resource.apiGroup: Invalid value: "A": a lowercase RFC 1123 subdomain/, 'spec.defaultBackend.resource.kind: Required value: kind is required', 'spec.defaultBackend.resource.name: Required value: name is required']],
  ['ING-08: a path type', withPath({ pathType: undefined }), [`${at}.pathType: Required value: pathType must be specified`]],
  ['ING-08: path types are three', withPath({ pathType: 'Regex' }), [`${at}.pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"`]],
  ['ING-09: paths are absolute', withPath({ path: 'a' }), [`${at}.path: Invalid value: "a": must be an absolute path`]],
  ...['//', '/./', '/../', '%2f', '%2F'].map((part): [string, object, Expected] => [`ING-09: no ${part}`, withPath({ path: `/a${part}b` }), [`${at}.path: Invalid value: "/a${part}b": must not contain '${part}'`]]),
  ...['/..', '/.'].map((part): [string, object, Expected] => [`ING-09: no ${part} at the end`, withPath({ path: `/a${part}` }), [`${at}.path: Invalid value: "/a${part}": cannot end with '${part}'`]]),
  ['ING-09: implementation-specific paths are free', withPath({ path: '', pathType: 'ImplementationSpecific' }), []],
  ['ING-09: implementation-specific paths are absolute', withPath({ path: 'x', pathType: 'ImplementationSpecific' }), [`${at}.path: Invalid value: "x": must be an absolute path`]],
  ['ING-10: paths are needed', { rules: [{ http: { paths: [] } }] }, ['spec.rules[0].http.paths: Required value']],
  ['ING-11: a host is no address', withPath({}, '1.2.3.4'), ['spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address']],
  ['ING-11: a host has no port', withPath({}, 'a.b:80'), [/^spec.rules\[0\].host: Invalid value: "a.b:80": a lowercase RFC 1123 subdomain/]],
  ['ING-11: a wildcard is a whole label', withPath({}, '*.foo.com'), []],
  ...['*', 'foo.*.com', '*foo.com'].map((host): [string, object, Expected] => [`ING-11: ${host} is refused`, withPath({}, host), [/^spec.rules\[0\].host: Invalid value: ".*": a wildcard DNS-1123 subdomain/]]),
  ['ING-12: TLS hosts and secrets', { defaultBackend: backend, tls: [{ hosts: ['A'], secretName: '_' }] }, [/^spec.tls\[0\].hosts\[0\]: Invalid value: "A"/, /^spec.tls\[0\].secretName: Invalid value: "_"/]],
  ['a class name', { defaultBackend: backend, ingressClassName: 'A' }, [/^spec.ingressClassName: Invalid value: "A": a lowercase RFC 1123 subdomain/]],
];
for (const [about, spec, expected] of ingresses) test(about, () => check(complaints(ingressKind, { spec }), expected));

const oldWay = { name: 'a', namespace: 'default', annotations: { 'kubernetes.io/ingress.class': 'other' } };
test('ICL-15: annotation and class agree on creation; the annotation alone is warned about', () => {
  const both = { metadata: oldWay, spec: { defaultBackend: backend, ingressClassName: 'mine' } };
  check(complaints(ingressKind, both), ['annotations.kubernetes.io/ingress.class: Invalid value: "other": must match `ingressClassName` when both are specified']);
  check(complaints(ingressKind, both, both), []);
  assert.deepEqual(ingressKind.warnings?.(objectOf(ingressKind, both)), ['annotation "kubernetes.io/ingress.class" is deprecated, please use \'spec.ingressClassName\' instead']);
});

test('ING-12: a secret name that was bad before stays writable', () => {
  const bad = { spec: { defaultBackend: backend, tls: [{ secretName: '_' }] } };
  check(complaints(ingressKind, bad, bad), []);
});

const classOf = (name: string, creationTimestamp: string, isDefault = 'true') =>
  objectOf(ingressClassKind, { metadata: { name, creationTimestamp, annotations: { 'ingressclass.kubernetes.io/is-default-class': isDefault } } });
const seen = (classes: object[]) => ({ revision: 1, list: () => classes, get: () => undefined }) as unknown as Snapshot;
test('ICL-10 … ICL-14: the newest default class is given to new Ingresses without one', () => {
  const classes = seen([classOf('b', '2026-01-02'), classOf('a', '2026-01-02'), classOf('old', '2026-01-01'), classOf('no', '2026-01-03', 'false')]);
  const plain = objectOf(ingressKind, { spec: { defaultBackend: backend } });
  const classFor = (ingress: typeof plain, old?: typeof plain, at = classes) => ingressKind.allocate?.(ingress, old, at).spec.ingressClassName;
  assert.equal(classFor(plain), 'a');
  assert.equal(classFor(plain, plain), undefined);
  assert.equal(classFor(plain, undefined, seen([])), undefined);
  assert.equal(classFor(objectOf(ingressKind, { metadata: oldWay, spec: {} })), undefined);
  assert.equal(classFor(objectOf(ingressKind, { spec: { ingressClassName: 'x' } })), 'x');
});

test('Ingresses are shown with hosts, addresses and ports', () => {
  const spec = { ingressClassName: 'nginx', rules: ['a.b', 'b.b', 'c.b', 'd.b'].map((host) => ({ host })), tls: [{}] };
  const status = { loadBalancer: { ingress: [{ ip: '6.6.6.6' }, { ip: '5.5.5.5' }, { ip: '6.6.6.6' }] } };
  assert.deepEqual(rowOf(ingressKind, { spec, status }), ['a', 'nginx', 'a.b,b.b,c.b + 1 more...', '5.5.5.5,6.6.6.6', '80, 443', '<unknown>']);
  assert.deepEqual(rowOf(ingressKind, { spec: { rules: [{}] } }), ['a', '<none>', '*', '', '80', '<unknown>']);
});

const parameters = { kind: 'K', name: 'n' };
const long = `a.b/${'x'.repeat(250)}`;
const classes: [id: string, spec: object, expected: Expected][] = [
  ['ICL-01: a controller', {}, ['spec.controller: Required value']],
  ['ICL-01: with a domain', { controller: 'foo' }, ['spec.controller: Invalid value: "foo": must be a domain-prefixed path (such as "acme.io/foo")']],
  ['ICL-01: a good domain', { controller: 'A/b' }, [/^spec.controller: Invalid value: "A": a lowercase RFC 1123 subdomain/]],
  ['ICL-01: a good path', { controller: 'a.b/c d' }, [/^spec.controller: Invalid value: "c d": Invalid path/]],
  ['ICL-01: not too long', { controller: long }, ['spec.controller: Too long: may not be more than 250 bytes']],
  ['ICL-02: kind and name', { controller: 'a.b/c', parameters: {} }, ['spec.parameters.kind: Required value', 'spec.parameters.name: Required value']],
  ['ICL-04: no namespace for the cluster', { controller: 'a.b/c', parameters: { ...parameters, namespace: 'x' } }, ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"]],
  ['ICL-05: a namespace for a namespace', { controller: 'a.b/c', parameters: { ...parameters, scope: 'Namespace' } }, ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"]],
  ['ICL-07: scopes are two', { controller: 'a.b/c', parameters: { ...parameters, scope: 'World' } }, ['spec.parameters.scope: Unsupported value: "World": supported values: "Cluster", "Namespace"']],
];
for (const [about, spec, expected] of classes) test(about, () => check(complaints(ingressClassKind, { spec }), expected));

test('ICL-01, ICL-03, ICL-16: a controller is for ever, scope is Cluster, parameters are shown', () => {
  check(complaints(ingressClassKind, { spec: { controller: 'a.b/d' } }, { spec: { controller: 'a.b/c' } }), ['spec.controller: Invalid value: "a.b/d": field is immutable']);
  const spec = { controller: 'example.com/x', parameters: { ...parameters, apiGroup: 'k8s.example.net' } };
  assert.equal(defaulted(ingressClassKind, { spec }).spec?.parameters?.scope, 'Cluster');
  assert.deepEqual(rowOf(ingressClassKind, { spec }).slice(1, 3), ['example.com/x', 'K.k8s.example.net/n']);
});

const rule = (port: object) => ({ ingress: [{ ports: [port] }] });
const peer = (from: object) => ({ ingress: [{ from: [from] }] });
const policies: [id: string, spec: object, expected: Expected][] = [
  ['NP-29: endPort is not below port', rule({ port: 80, endPort: 79 }), ['spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`']],
  ['NP-30: endPort needs a port', rule({ endPort: 80 }), ['spec.ingress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is not specified']],
  ['NP-31: endPort needs a number', rule({ port: 'http', endPort: 80 }), ['spec.ingress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is non-numeric']],
  ['NP-43: protocols', rule({ protocol: 'ICMP' }), ['spec.ingress[0].ports[0].protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"']],
  ['NP-44: port numbers', rule({ port: 0 }), ['spec.ingress[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive']],
  ['NP-44: port names', rule({ port: '80' }), ['spec.ingress[0].ports[0].port: Invalid value: "80": must contain at least one letter (a-z)']],
  ['NP-45: a peer says something', peer({}), ['spec.ingress[0].from[0]: Required value: must specify a peer']],
  ['NP-46: a block stands alone', peer({ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }), ['spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer']],
  ['NP-47: a block has a prefix', peer({ ipBlock: {} }), ['spec.ingress[0].from[0].ipBlock.cidr: Required value']],
  ['NP-47: a good prefix', peer({ ipBlock: { cidr: '10.0.0.0' } }), [/^spec.ingress\[0\].from\[0\].ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value/]],
  ['NP-47: exceptions lie inside', peer({ ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.0.0/8', '11.0.0.0/16', 'x', '10.1.0.0/16'] } }), ['spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`', 'spec.ingress[0].from[0].ipBlock.except[1]: Invalid value: "11.0.0.0/16": must be a strict subset of `cidr`', /except\[2\]: Invalid value: "x": must be a valid CIDR value/]],
  ['NP-48: two types', { policyTypes: ['Ingress', 'Egress', 'Ingress'] }, ['spec.policyTypes: Invalid value: []string{"Ingress", "Egress", "Ingress"}: may not specify more than two policyTypes']],
  ['NP-48: known types', { policyTypes: ['Both'] }, ['spec.policyTypes[0]: Unsupported value: "Both": supported values: "Egress", "Ingress"']],
  ['NP-49: selectors', { podSelector: { matchExpressions: [{ key: 'a', operator: 'Near' }] } }, ['spec.podSelector.matchExpressions[0].operator: Invalid value: "Near": not a valid selector operator']],
  ['NP-49: selectors of peers', { egress: [{ to: [{ namespaceSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } }] }] }, ["spec.egress[0].to[0].namespaceSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"]],
];
for (const [about, spec, expected] of policies) test(about, () => check(complaints(networkPolicyKind, { spec }), expected));

const typed: [spec: object, types: string[]][] = [
  [{}, ['Ingress']],
  [{ egress: [] }, ['Ingress']],
  [{ egress: [{}] }, ['Ingress', 'Egress']],
  [{ policyTypes: ['Egress'] }, ['Egress']],
];
for (const [spec, types] of typed) {
  test(`NP-14: ${JSON.stringify(spec)} is about ${types.join(' and ')}`, () => assert.deepEqual(defaulted(networkPolicyKind, { spec }).spec?.policyTypes, types));
}

test('NP-50, NP-51: absent, empty and one empty rule stay apart; ports get TCP', () => {
  const rulesOf = (ingress: unknown) => defaulted(networkPolicyKind, { spec: { ...(ingress !== undefined && { ingress }) } }).spec?.ingress;
  assert.deepEqual([rulesOf(undefined), rulesOf([]), rulesOf([{}]), rulesOf([{ from: [] }])], [undefined, [], [{}], [{ from: [] }]]);
  assert.deepEqual(rulesOf([{ ports: [{ port: 80 }] }]), [{ ports: [{ port: 80, protocol: 'TCP' }] }]);
});

test('policies are shown by their selector, and warned about where a block is ambiguous', () => {
  assert.equal(rowOf(networkPolicyKind, { spec: { podSelector: { matchLabels: { role: 'db' } } } })[1], 'role=db');
  assert.equal(rowOf(networkPolicyKind, {})[1], '<none>');
  assert.equal(networkPolicyKind.warnings?.(objectOf(networkPolicyKind, { spec: peer({ ipBlock: { cidr: '10.0.0.1/8' } }) })).length, 1);
});
