import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service, ServiceSpec } from '../../objects/core.ts';
import type { ObjectMeta } from '../../objects/meta.ts';
import { createServiceKind, serviceKind } from '../service.ts';
import { service, writeService } from './write-service.ts';

const http = { name: 'http', port: 80 };
const base: ServiceSpec = { ports: [{ port: 80 }], selector: { app: 'web' } };
const errorsOf = (wished: Service, old?: Service, kind = serviceKind) => {
  const prepared = old ? (kind.prepareUpdate?.(wished, old) ?? wished) : wished;
  return (kind.validate?.(kind.setDefaults?.(prepared) ?? prepared, old) ?? []).map(({ field, message }) => `${field}: ${message}`);
};

type Wrong = { [K in keyof ServiceSpec]?: unknown };
const label = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const qualified = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const anAddress = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
const forBalancers = "Forbidden: may only be used when `type` is 'LoadBalancer'";

const creations: [id: string, spec: Wrong, errors: string[]][] = [
  ['SVC-12: ports are needed', { ports: undefined }, ['spec.ports: Required value']],
  ['SVC-13: port 0', { ports: [{ port: 0 }] }, ['spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive', 'spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive']],
  ['SVC-15: a target name is short', { ports: [{ port: 80, targetPort: 'abcdefghijklmnop' }] }, ['spec.ports[0].targetPort: Invalid value: "abcdefghijklmnop": must be no more than 15 characters']],
  ['SVC-15: a target number is a port', { ports: [{ port: 80, targetPort: 70_000 }] }, ['spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive']],
  ['SVC-20: protocols are three', { ports: [{ port: 80, protocol: 'ICMP' }] }, ['spec.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"']],
  ['SVC-22: several ports need names', { ports: [http, { port: 81 }] }, ['spec.ports[1].name: Required value']],
  ['SVC-23: port names are labels', { ports: [{ name: '123_abc', port: 80 }] }, [`spec.ports[0].name: Invalid value: "123_abc": ${label}`]],
  ['SVC-24: port names differ', { ports: [http, { name: 'http', port: 81 }] }, ['spec.ports[1].name: Duplicate value: "http"']],
  ['SVC-24: protocol and port differ', { ports: [http, { name: 'b', port: 80 }] }, ['spec.ports[1]: Duplicate value: {"port":80,"protocol":"TCP"}']],
  ['SVC-24: one number for two protocols is fine', { ports: [http, { name: 'b', port: 80, protocol: 'UDP' }] }, []],
  ['SVC-25: node ports differ', { type: 'NodePort', ports: [{ ...http, nodePort: 30_007 }, { name: 'b', port: 81, nodePort: 30_007 }] }, ['spec.ports[1].nodePort: Duplicate value: 30007']],
  ['SVC-26: appProtocol is a qualified name', { ports: [{ port: 80, appProtocol: 'a b' }] }, [`spec.ports[0].appProtocol: Invalid value: "a b": ${qualified}`]],
  ['SVC-26: appProtocol may have a prefix', { ports: [{ port: 80, appProtocol: 'kubernetes.io/h2c' }] }, []],
  ['SVC-30: selector keys are checked', { selector: { 'a b': 'c' } }, [`spec.selector: Invalid value: "a b": ${qualified}`]],
  ['SVC-41: types are four', { type: 'Foo' }, ['spec.type: Unsupported value: "Foo": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"']],
  ['IPAM-20: no leading zeros', { clusterIP: '010.96.0.1' }, [`spec.clusterIPs[0]: Invalid value: "010.96.0.1": ${anAddress}`]],
  ['DS-32, SVC-57: singular and plural agree', { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.2'] }, ['spec.clusterIPs: Invalid value: []string{"10.96.0.2"}: first value must match `clusterIP`']],
  ['DS-32, SVC-57: the plural does not stand alone', { clusterIPs: ['10.96.0.2'] }, ['spec.clusterIPs: Invalid value: []string{"10.96.0.2"}: must be empty when `clusterIP` is not specified']],
  ['DS-33: None stands alone', { clusterIP: 'None', clusterIPs: ['None', '10.96.0.1'] }, ['spec.clusterIPs: Invalid value: []string{"None", "10.96.0.1"}: \'None\' must be the first and only value']],
  ['SVC-57: two addresses at most', { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', 'fd00::1', '10.96.0.2'] }, ['spec.clusterIPs: Invalid value: []string{"10.96.0.1", "fd00::1", "10.96.0.2"}: may only hold up to 2 values', 'spec.clusterIPs: Invalid value: []string{"10.96.0.1", "fd00::1", "10.96.0.2"}: may specify no more than one IP for each IP family']],
  ['DS-31: one address a family', { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', '10.96.0.2'] }, ['spec.clusterIPs: Invalid value: []string{"10.96.0.1", "10.96.0.2"}: may specify no more than one IP for each IP family']],
  ['DS-29: addresses fit their families', { clusterIP: '10.96.0.1', ipFamilies: ['IPv6'] }, ['spec.clusterIPs[0]: Invalid value: "10.96.0.1": expected an IPv6 value as indicated by `ipFamilies[0]`']],
  ['DS-29: addresses fit their families, the other way', { clusterIP: 'fd00:10:96::9', ipFamilies: ['IPv4'] }, ['spec.clusterIPs[0]: Invalid value: "fd00:10:96::9": expected an IPv4 value as indicated by `ipFamilies[0]`']],
  ['DS-11: families are two', { ipFamilies: ['IPv5'] }, ['spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"']],
  ['DS-11: a family stands once', { ipFamilies: ['IPv4', 'IPv4'] }, ['spec.ipFamilies[1]: Duplicate value: "IPv4"']],
  ['DS-11: policies are three', { ipFamilyPolicy: 'Both' }, ['spec.ipFamilyPolicy: Unsupported value: "Both": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"']],
  ['DS-30: two addresses need a policy', { ipFamilyPolicy: 'SingleStack', clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', 'fd00:10:96::1'] }, ["spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified"]],
  ['DS-30: two families need a policy', { ipFamilyPolicy: 'SingleStack', ipFamilies: ['IPv4', 'IPv6'] }, ["spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified"]],
  ['SVC-70: a headless NodePort', { type: 'NodePort', clusterIP: 'None' }, ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"]],
  ['SVC-70: a headless LoadBalancer', { type: 'LoadBalancer', clusterIP: 'None' }, ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for LoadBalancer services"]],
  ['SVC-69: a ClusterIP has no node port', { ports: [{ port: 80, nodePort: 30_000 }] }, ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]],
  ["the kubelet's port is not exposed", { type: 'LoadBalancer', ports: [{ port: 10_250 }] }, ['spec.ports[0]: Invalid value: 10250: may not expose port 10250 externally since it is used by kubelet']],
  ['SVC-74: allocateLoadBalancerNodePorts', { allocateLoadBalancerNodePorts: true }, [`spec.allocateLoadBalancerNodePorts: ${forBalancers}`]],
  ['SVC-77: loadBalancerClass on another type', { loadBalancerClass: 'a' }, [`spec.loadBalancerClass: ${forBalancers}`]],
  ['SVC-77: loadBalancerClass is a qualified name', { type: 'LoadBalancer', loadBalancerClass: '-' }, [`spec.loadBalancerClass: Invalid value: "-": ${qualified}`]],
  ['SVC-82: source ranges on another type', { loadBalancerSourceRanges: ['10.0.0.0/8'] }, [`spec.LoadBalancerSourceRanges: ${forBalancers}`]],
  ['SVC-82: source ranges are prefixes, blanks allowed', { type: 'LoadBalancer', loadBalancerSourceRanges: [' 10.0.0.0/8 ', '10.0.0.0'] }, ['spec.LoadBalancerSourceRanges[1]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']],
  ['PROXY-32, SVC-83: a health-check port without Local', { type: 'LoadBalancer', healthCheckNodePort: 30_100 }, ["spec.healthCheckNodePort: Invalid value: 30100: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"]],
  ['SVC-85: an ExternalName needs nothing else', { type: 'ExternalName', externalName: 'my.database.example.com.', ports: undefined, selector: undefined }, []],
  ['SVC-86: externalName is needed', { type: 'ExternalName' }, ['spec.externalName: Required value']],
  ['SVC-87: an externalName may look like an address', { type: 'ExternalName', externalName: '1.2.3.4' }, []],
  ['SVC-88: an ExternalName has no addresses or families', { type: 'ExternalName', externalName: 'a.b', clusterIP: '10.96.0.1', ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' }, ['spec.clusterIPs: Forbidden: may not be set for ExternalName services', 'spec.ipFamilies: Forbidden: may not be set for ExternalName services', 'spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services']],
  ['SVC-79: protocols of a balancer may differ', { type: 'LoadBalancer', ports: [http, { name: 'quic', port: 443, protocol: 'UDP' }] }, []],
  ['SVC-97: a headless Service may name another target port, which means nothing', { clusterIP: 'None', selector: undefined, ports: [{ port: 80, targetPort: 8080 }] }, []],
  ['SVC-98: a headless Service may have no ports', { clusterIP: 'None', ports: undefined }, []],
  ['SVC-101, ITP-01: internalTrafficPolicy', { internalTrafficPolicy: 'Near' }, ['spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"']],
  ['PROXY-16, SVC-102: externalTrafficPolicy inside', { externalTrafficPolicy: 'Local' }, ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services']],
  ['SVC-102: externalTrafficPolicy with externalIPs', { externalTrafficPolicy: 'Local', externalIPs: ['198.51.100.32'] }, []],
  ['SVC-102: externalTrafficPolicy values', { type: 'NodePort', externalTrafficPolicy: 'Global' }, ['spec.externalTrafficPolicy: Unsupported value: "Global": supported values: "Cluster", "Local"']],
  ['SVC-103, TOPO-28: trafficDistribution', { trafficDistribution: 'Random' }, ['spec.trafficDistribution: Unsupported value: "Random": supported values: "PreferClose", "PreferSameNode", "PreferSameZone"']],
  ['SVC-103, TOPO-28: trafficDistribution that is known', { trafficDistribution: 'PreferClose' }, []],
  ['SVC-106: sessionAffinity', { sessionAffinity: 'Cookie' }, ['spec.sessionAffinity: Unsupported value: "Cookie": supported values: "ClientIP", "None"']],
  ['SVC-107: stickiness over a day', { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86_401 } } }, ['spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400']],
  ['SVC-107: a whole day is allowed', { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86_400 } } }, []],
  ['SVC-108: externalIPs are addresses', { externalIPs: ['x', '127.0.0.1'] }, [`spec.externalIPs[0]: Invalid value: "x": ${anAddress}`, 'spec.externalIPs[1]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)']],
];
for (const [about, spec, errors] of creations) test(about, () => assert.deepEqual(errorsOf(service({ ...base, ...spec } as ServiceSpec)), errors));

test('SVC-86: externalName is a DNS name', () =>
  assert.match(errorsOf(service({ type: 'ExternalName', externalName: 'A_b' }))[0] ?? '', /^spec.externalName: Invalid value: "A_b": a lowercase RFC 1123 subdomain/));

test('SVC-107: a configuration without affinity is dropped by defaulting, and refused where it survives', () => {
  const stubborn = service({ ...base, sessionAffinity: 'None', sessionAffinityConfig: { clientIP: { timeoutSeconds: 1 } }, type: 'ClusterIP' });
  assert.deepEqual(errorsOf(stubborn), []);
  assert.ok(serviceKind.validate?.(stubborn).some(({ message }) => message === 'Forbidden: must not be set when session affinity is None'));
});

const named: [id: string, metadata: Partial<ObjectMeta>, error: RegExp | undefined][] = [
  ['SVC-03: a name starts with a letter', { name: '1abc' }, /^metadata.name: Invalid value: "1abc": a DNS-1035 label/],
  ['SVC-105: topology annotations agree', { annotations: { 'service.kubernetes.io/topology-aware-hints': 'Auto', 'service.kubernetes.io/topology-mode': 'Disabled' } }, /^metadata.annotations\[service.kubernetes.io\/topology-mode\]: Invalid value: "Disabled": must match annotations\[service.kubernetes.io\/topology-aware-hints\] when both are specified$/],
  ['SVC-82: the annotation is a fallback for balancers', { annotations: { 'service.beta.kubernetes.io/load-balancer-source-ranges': '10.0.0.0/8' } }, /^metadata.annotations\[.*\]: Forbidden: may only be used when `type` is 'LoadBalancer'$/],
  ['SVC-114: descriptive annotations are left alone', { annotations: { 'api.service.kubernetes.io/protocol': 'REST' } }, undefined],
];
for (const [about, metadata, error] of named) {
  test(about, () => {
    const [first] = errorsOf(service(base, metadata));
    if (error) assert.match(first ?? '', error);
    else assert.equal(first, undefined);
  });
}

test('SVC-82: a bad range in the annotation of a balancer is refused', () =>
  assert.match(errorsOf(service({ ...base, type: 'LoadBalancer' }, { annotations: { 'service.beta.kubernetes.io/load-balancer-source-ranges': '10.0.0.0/8,x' } }))[0] ?? '', /must be a valid CIDR value/));

const single = createServiceKind({ serviceCidrs: ['10.96.0.0/16'], nodePorts: { first: 30_000, last: 32_767 } });
test('DS-09, DS-34: a single-stack cluster says what it has not', () => {
  assert.deepEqual(errorsOf(service({ ...base, ipFamilyPolicy: 'RequireDualStack' }), undefined, single), ['spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services']);
  assert.deepEqual(errorsOf(service({ ...base, ipFamilies: ['IPv6'] }), undefined, single), ['spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster']);
});

const stored = (spec: Wrong) => writeService(serviceKind, service({ ...base, ...spec } as ServiceSpec));
const dual = { ipFamilyPolicy: 'PreferDualStack', clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9', 'fd00:10:96::9'] };
const once = 'may not change once set';
const updates: [id: string, before: Wrong, change: Wrong, errors: string[]][] = [
  ...['NodePort', 'LoadBalancer'].map((type): (typeof updates)[number] => [`SVC-56, IPAM-18: a clusterIP of type ${type} stays`, { type, clusterIP: '10.96.0.9' }, { clusterIP: '10.96.0.10', clusterIPs: undefined }, [`spec.clusterIPs[0]: Invalid value: []string{"10.96.0.10"}: ${once}`]]),
  ['SVC-56, IPAM-18: a clusterIP stays', { clusterIP: '10.96.0.9' }, { clusterIP: '10.96.0.10', clusterIPs: undefined }, [`spec.clusterIPs[0]: Invalid value: []string{"10.96.0.10"}: ${once}`]],
  ['SVC-99: no way to headless', { clusterIP: '10.96.0.9' }, { clusterIP: 'None', clusterIPs: ['None'] }, [`spec.clusterIPs[0]: Invalid value: []string{"None"}: ${once}`]],
  ['SVC-99: no way from headless', { clusterIP: 'None' }, { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'] }, [`spec.clusterIPs[0]: Invalid value: []string{"10.96.0.9"}: ${once}`]],
  ['DS-12: the first family stays', dual, { ipFamilies: ['IPv6', 'IPv4'], clusterIP: 'fd00:10:96::9', clusterIPs: ['fd00:10:96::9', '10.96.0.9'] }, [
    `spec.clusterIPs[0]: Invalid value: []string{"fd00:10:96::9", "10.96.0.9"}: ${once}`, `spec.clusterIPs[1]: Invalid value: []string{"fd00:10:96::9", "10.96.0.9"}: ${once}`,
    `spec.ipFamilies[0]: Invalid value: []string{"IPv6", "IPv4"}: ${once}`, `spec.ipFamilies[1]: Invalid value: []string{"IPv6", "IPv4"}: ${once}`,
  ]],
  ['DS-35: the second address goes only with SingleStack', dual, { clusterIPs: ['10.96.0.9'] }, ["spec.ipFamilyPolicy: Invalid value: \"PreferDualStack\": must be 'SingleStack' to release the secondary cluster IP"]],
  ['DS-35: the second family goes only with SingleStack', dual, { ipFamilies: ['IPv4'] }, ["spec.ipFamilyPolicy: Invalid value: \"PreferDualStack\": must be 'SingleStack' to release the secondary IP family"]],
  ['SVC-77: a class stays', { type: 'LoadBalancer' }, { loadBalancerClass: 'a' }, [`spec.loadBalancerClass: Invalid value: "a": ${once}`]],
  ['PROXY-32, SVC-83: a health-check port stays', { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30_100 }, { healthCheckNodePort: 30_101 }, ['spec.healthCheckNodePort: Forbidden: field is immutable']],
  ['a node port left over by the client is told', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_100 }] }, { type: 'ClusterIP', ports: [{ port: 80, nodePort: 30_101 }] }, ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]],
];
for (const [about, before, change, errors] of updates) {
  test(about, () => {
    const old = stored(before);
    assert.deepEqual(errorsOf(service({ ...old.spec, ...change } as ServiceSpec), old), errors);
  });
}

test('DS-35: a primary address cannot be unset', () => {
  const old = stored(dual);
  const bare = { ...old, spec: { ...old.spec, clusterIP: undefined, clusterIPs: [], ipFamilies: [] } };
  assert.deepEqual(serviceKind.validate?.(bare, old).map(({ field, message }) => `${field}: ${message}`), [
    'spec.clusterIPs[0]: Invalid value: []string{}: primary clusterIP can not be unset',
    'spec.ipFamilies[0]: Invalid value: []string{}: primary ipFamily can not be unset',
  ]);
});

const withStatus = (spec: Wrong, ingress: object[]): Service => ({ ...stored(spec), status: { loadBalancer: { ingress } } });
const balancer = { type: 'LoadBalancer' };
const statuses: [id: string, spec: Wrong, ingress: object[], errors: string[]][] = [
  ['SVC-81: only balancers have addresses', {}, [{ ip: '1.2.3.4', ipMode: 'VIP' }], ["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"]],
  ['SVC-81: an ip is an address', balancer, [{ ip: 'x' }], [`status.loadBalancer.ingress[0].ip: Invalid value: "x": ${anAddress}`]],
  ['SVC-80: ipMode needs an ip', balancer, [{ ipMode: 'VIP', hostname: 'a.b' }], ['status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is not set']],
  ['SVC-80: ipMode values', balancer, [{ ip: '1.2.3.4', ipMode: 'Route' }], ['status.loadBalancer.ingress[0].ipMode: Unsupported value: "Route": supported values: "Proxy", "VIP"']],
  ['SVC-81: a hostname is no address', balancer, [{ hostname: '1.2.3.4' }], ['status.loadBalancer.ingress[0].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address']],
];
for (const [about, spec, ingress, errors] of statuses) {
  test(about, () => assert.deepEqual(serviceKind.validate?.(withStatus(spec, ingress), stored(spec)).map(({ field, message }) => `${field}: ${message}`), errors));
}

const warned: [spec: Wrong, annotations: Record<string, string>, warnings: string[]][] = [
  [{ externalName: 'a.b' }, {}, ['spec.externalName is ignored when spec.type is not "ExternalName"']],
  [{ type: 'ExternalName', externalName: 'a.b', externalIPs: ['1.2.3.4'] }, {}, ['spec.externalIPs is ignored when spec.type is "ExternalName"']],
  [{ externalIPs: ['2001:DB8::1'] }, {}, ['spec.externalIPs[0]: IPv6 address "2001:DB8::1" is not in RFC 5952 canonical format ("2001:db8::1"), which may cause controller apply-loops']],
  [{ clusterIP: 'None', loadBalancerIP: '1.2.3.4', externalIPs: ['1.2.3.4'], sessionAffinity: 'ClientIP' }, {}, ['spec.loadBalancerIP is ignored for headless services', 'spec.externalIPs is ignored for headless services', 'spec.SessionAffinity is ignored for headless services']],
  [{}, { 'service.kubernetes.io/topology-aware-hints': 'Auto' }, ['annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead']],
  [{}, {}, []],
];
for (const [spec, annotations, warnings] of warned) {
  test(`a Service with ${JSON.stringify({ ...spec, ...annotations })} is warned about ${warnings.length} times`, () =>
    assert.deepEqual(serviceKind.warnings?.(service({ ...base, ...spec } as ServiceSpec, { annotations })), warnings));
}
