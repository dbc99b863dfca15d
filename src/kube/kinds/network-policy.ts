// NetworkPolicy: who may talk to whom. An absent list, an empty list and a list with one empty rule
// mean three different things (NP-50), so nothing is filled in but types and protocols.
import { parsePrefix, contains } from '../../base/net/prefix.ts';
import { type FieldError, forbidden, invalid, notSupported, required } from '../meaning/field-error.ts';
import { printSelector } from '../meaning/label-selector.ts';
import { prefixWarnings, validatePrefix } from '../meaning/rules/addresses.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import { validatePortReference } from '../meaning/rules/ports.ts';
import { validateSelector } from '../meaning/rules/validate-selector.ts';
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../objects/networking.ts';
import { ageColumn, nameColumn, none } from './columns.ts';
import type { Kind } from './kind.ts';

type Spec = NonNullable<NetworkPolicy['spec']>;

const withProtocols = <R extends { ports?: NetworkPolicyPort[] }>(rules: R[] | undefined): R[] | undefined =>
  rules?.map((rule) => (rule.ports ? { ...rule, ports: rule.ports.map((port) => ({ ...port, protocol: port.protocol ?? 'TCP' })) } : rule));

/** Ingress always, Egress where a rule speaks of it (NP-14). */
function setDefaults(policy: NetworkPolicy): NetworkPolicy {
  const spec: Spec = policy.spec ?? {};
  const ingress = withProtocols(spec.ingress);
  const egress = withProtocols(spec.egress);
  const policyTypes: Spec['policyTypes'] = spec.policyTypes?.length ? spec.policyTypes : egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
  return {
    ...policy,
    spec: { ...spec, podSelector: spec.podSelector ?? {}, ...(ingress && { ingress }), ...(egress && { egress }), policyTypes },
  };
}

const protocols = ['TCP', 'UDP', 'SCTP'];

function validateEndPort({ port, endPort }: NetworkPolicyPort, field: string): FieldError[] {
  if (endPort === undefined) return [];
  if (port === undefined) return [invalid(`${field}.endPort`, endPort, 'may not be specified when `port` is not specified')];
  if (typeof port === 'string') return [invalid(`${field}.endPort`, endPort, 'may not be specified when `port` is non-numeric')];
  // The value shown is the port, as upstream shows it.
  const errors = endPort < port ? [invalid(`${field}.endPort`, port, 'must be greater than or equal to `port`')] : [];
  return [...errors, ...validatePortReference(endPort, `${field}.endPort`)];
}

const validatePort = (port: NetworkPolicyPort, field: string): FieldError[] => [
  ...(port.protocol && !protocols.includes(port.protocol) ? [notSupported(`${field}.protocol`, port.protocol, protocols)] : []),
  ...(port.port === undefined ? [] : validatePortReference(port.port, `${field}.port`)),
  ...validateEndPort(port, field),
];

function validateBlock({ cidr, except = [] }: NonNullable<NetworkPolicyPeer['ipBlock']>, field: string): FieldError[] {
  if (!cidr) return [required(`${field}.cidr`)];
  const whole = parsePrefix(cidr);
  if (!whole) return validatePrefix(cidr, `${field}.cidr`);
  return except.flatMap((text, i) => {
    const part = parsePrefix(text);
    if (!part) return validatePrefix(text, `${field}.except[${i}]`);
    const isInside = part.length > whole.length && contains(whole, { family: part.family, value: part.first });
    return isInside ? [] : [invalid(`${field}.except[${i}]`, text, 'must be a strict subset of `cidr`')];
  });
}

function validatePeer({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, field: string): FieldError[] {
  const selects = podSelector !== undefined || namespaceSelector !== undefined;
  if (!selects && !ipBlock) return [required(field, 'must specify a peer')];
  const errors = selects && ipBlock ? [forbidden(field, 'may not specify both ipBlock and another peer')] : [];
  return [
    ...errors,
    ...validateSelector(podSelector, `${field}.podSelector`),
    ...validateSelector(namespaceSelector, `${field}.namespaceSelector`),
    ...(ipBlock ? validateBlock(ipBlock, `${field}.ipBlock`) : []),
  ];
}

function validateTypes(types: readonly string[]): FieldError[] {
  const field = 'spec.policyTypes';
  if (types.length > 2) return [invalid(field, types, 'may not specify more than two policyTypes')];
  return types.flatMap((type, i) => (type === 'Ingress' || type === 'Egress' ? [] : [notSupported(`${field}[${i}]`, type, ['Egress', 'Ingress'])]));
}

const validateRule = (ports: readonly NetworkPolicyPort[] | undefined, peers: readonly NetworkPolicyPeer[] | undefined, field: string, side: string): FieldError[] => [
  ...(ports ?? []).flatMap((port, i) => validatePort(port, `${field}.ports[${i}]`)),
  ...(peers ?? []).flatMap((peer, i) => validatePeer(peer, `${field}.${side}[${i}]`)),
];

const validateSpec = (spec: Spec): FieldError[] => [
  ...validateSelector(spec.podSelector, 'spec.podSelector'),
  ...(spec.ingress ?? []).flatMap(({ ports, from }, i) => validateRule(ports, from, `spec.ingress[${i}]`, 'from')),
  ...(spec.egress ?? []).flatMap(({ ports, to }, i) => validateRule(ports, to, `spec.egress[${i}]`, 'to')),
  ...validateTypes(spec.policyTypes ?? []),
];

function warnings({ spec = {} }: NetworkPolicy): string[] {
  const warnPeers = (peers: readonly NetworkPolicyPeer[] | undefined, field: string) =>
    (peers ?? []).flatMap(({ ipBlock }, i) => [
      ...prefixWarnings(ipBlock?.cidr ?? '', `${field}[${i}].ipBlock.cidr`),
      ...(ipBlock?.except ?? []).flatMap((text, j) => prefixWarnings(text, `${field}[${i}].ipBlock.except[${j}]`)),
    ]);
  return [
    ...(spec.ingress ?? []).flatMap(({ from }, i) => warnPeers(from, `spec.ingress[${i}].from`)),
    ...(spec.egress ?? []).flatMap(({ to }, i) => warnPeers(to, `spec.egress[${i}].to`)),
  ];
}

export const networkPolicyKind: Kind<NetworkPolicy> = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  shortNames: ['netpol'],
  namespaced: true,
  countsGenerations: true,
  columns: [nameColumn, { name: 'Pod-Selector', type: 'string', cell: ({ spec }) => printSelector(spec?.podSelector) || none }, ageColumn],
  setDefaults,
  validate: (policy, old) => [...validateObjectMeta(policy, { namespaced: true }, old), ...validateSpec(policy.spec ?? {})],
  warnings,
};
