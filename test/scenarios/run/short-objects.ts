// Short forms of objects in scenarios → manifests. A short form for an object that is already there changes
// only what it names, so `{ pod: web-1, ready: false }` is a whole step.
import { isDeepStrictEqual } from 'node:util';
import { nthAddress, prefixOf } from '../../../src/base/net/prefix.ts';
import { printAddress } from '../../../src/base/net/address.ts';
import type { KubeObject } from '../../../src/kube/objects/meta.ts';
import { keyOf } from '../../../src/kube/store/store.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- scenario files are free-form; wrong keys are refused below
export type ShortObject = Record<string, any>;

const ref = (text: string): { namespace: string; name: string } => {
  const [first = '', second] = text.split('/');
  return second === undefined ? { namespace: 'default', name: first } : { namespace: first, name: second };
};

/** Stable numbers from names: addresses must not depend on the order in which objects come. */
export function numberFrom(text: string, size: number): number {
  let hash = 2_166_136_261;
  for (const char of text) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16_777_619) >>> 0;
  return ((hash ^ (hash >>> 15)) >>> 0) % size;
}

const at = (prefix: string, n: number): string => printAddress(nthAddress(prefixOf(prefix), n));
const podRanges = (n: number): string[] => [`10.244.${n}.0/24`, `${printAddress(nthAddress(prefixOf('fd00:10:244::/48'), BigInt(n) << 64n))}/64`];

function nodeObject({ node, number, zone, labels, ready = true, ...rest }: ShortObject): KubeObject {
  refuseKeys('node', rest);
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: node, labels: { 'kubernetes.io/hostname': node, ...(zone ? { 'topology.kubernetes.io/zone': zone } : {}), ...labels } },
    spec: { podCIDR: podRanges(number)[0], podCIDRs: podRanges(number) },
    status: {
      addresses: [`192.168.0.${number}`, `fd00:192:168::${number}`].map((address) => ({ type: 'InternalIP', address })),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  } as KubeObject;
}

const namespaceObject = ({ namespace, labels, ...rest }: ShortObject): KubeObject => {
  refuseKeys('namespace', rest);
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels: { 'kubernetes.io/metadata.name': namespace, ...labels } } };
};

/** Keys without a value do not exist, as in JSON. */
const defined = <T extends object>(object: T): T => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;

const podDefaults = { labels: {}, ready: true, terminating: false, ports: {}, phase: 'Running' };

/** `ports: { http: 8080, dns: 53/UDP }`; `hostPorts: ['80=8080', '192.168.0.1:53=53/UDP']`; `host` is the host part of both addresses; `ips` overrides them. */
function podObject(short: ShortObject, nodes: Nodes): KubeObject {
  const { pod, node, labels, ready, terminating, ports, hostPorts = [], created, host, ips, phase, hostNetwork, hostname, subdomain, dnsPolicy, dnsConfig, ...rest } = { ...podDefaults, ...short } as ShortObject;
  refuseKeys('pod', rest);
  const { namespace, name } = ref(pod);
  const number = nodes.get(node) ?? 0;
  const part: number = host ?? 50 + numberFrom(pod, 200);
  const own = hostNetwork ? [`192.168.0.${number}`, `fd00:192:168::${number}`] : podRanges(number).map((range) => at(range, part));
  const podIPs = ((ips ?? own) as string[]).map((ip) => ({ ip }));
  const containerPorts = [...Object.entries(ports).map(([port, value]) => containerPort(port, String(value))), ...hostPorts.map(hostPort)];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: defined({ namespace, name, labels, creationTimestamp: created, deletionTimestamp: terminating ? '2024-01-01T00:00:00Z' : undefined }),
    spec: defined({ nodeName: node, hostNetwork, hostname, subdomain, dnsPolicy, dnsConfig, containers: [{ name: 'main', ports: containerPorts }] }),
    status: defined({ phase, podIP: podIPs[0]?.ip, podIPs, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] }),
  } as KubeObject;
}

const containerPort = (name: string, value: string): object => {
  const [port, protocol = 'TCP'] = value.split('/');
  return { name, containerPort: Number(port), protocol };
};

function hostPort(text: string): object {
  const [, bracketed, plain, host, port, protocol = 'TCP'] = /^(?:(?:\[(.+)\]|([\d.]+)):)?(\d+)=(\d+)(?:\/(\w+))?$/.exec(text) ?? [];
  return defined({ hostIP: bracketed ?? plain, hostPort: Number(host), containerPort: Number(port), protocol });
}

/**
 * One port in `port`/`target`/`nodePort`/`protocol`, or several in `ports` as the API writes them.
 * `families: [4, 6]`, `balancer: 198.51.100.1`; every other key goes to spec.
 */
function serviceObject({ service, families = [4], headless, balancer = [], labels, annotations, created, ...rest }: ShortObject): KubeObject {
  const { namespace, name } = ref(service);
  const { port, target, nodePort, protocol, ports, selects, ...settings } = rest;
  const balanced = [balancer].flat().map((entry: unknown) => (typeof entry === 'string' ? { ip: entry, ipMode: 'VIP' } : entry));
  const type = settings['type'] ?? (balanced.length > 0 ? 'LoadBalancer' : nodePort ? 'NodePort' : 'ClusterIP');
  const ips = headless ? ['None'] : families.map((family: 4 | 6) => clusterIP(`${namespace}/${name}`, family));
  const fronts = type === 'ExternalName' ? {} : { clusterIP: ips[0], clusterIPs: ips, ipFamilies: families.map((family: number) => `IPv${family}`) };
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: defined({ namespace, name, labels, annotations, creationTimestamp: created }),
    spec: defined({ type, ...fronts, ports: ports ?? onePort({ port, target, nodePort, protocol }), selector: selects, ...settings }),
    status: balanced.length > 0 ? { loadBalancer: { ingress: balanced } } : {},
  } as KubeObject;
}

const onePort = ({ port, target, nodePort, protocol = 'TCP' }: ShortObject): object[] =>
  port === undefined ? [] : [defined({ port, targetPort: target ?? port, protocol, nodePort })];

export const clusterIP = (key: string, family: 4 | 6): string =>
  at(family === 4 ? '10.96.0.0/16' : 'fd00:10:96::/112', 256 + numberFrom(key, 60_000));

const policyObject = ({ policy, ...spec }: ShortObject): KubeObject =>
  ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: ref(policy), spec: { podSelector: {}, ...spec } }) as KubeObject;

/** `endpoints` are addresses or entries as the API writes them; `ports` as the API writes them. */
function sliceObject({ slice, of, family = 4, ports = [{ name: '', port: 80, protocol: 'TCP' }], endpoints = [], ...rest }: ShortObject): KubeObject {
  refuseKeys('slice', rest);
  const { namespace, name } = ref(slice);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace, name, labels: { 'kubernetes.io/service-name': of } },
    addressType: `IPv${family}`,
    endpoints: endpoints.map((entry: unknown) => (typeof entry === 'string' ? { addresses: [entry], conditions: { ready: true } } : entry)),
    ports,
  } as unknown as KubeObject;
}

function refuseKeys(what: string, rest: object): void {
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) throw new Error(`short form of ${what}: unknown key ${unknown}`);
}

type Nodes = ReadonlyMap<string, number>;

const makers: Readonly<Record<string, (short: ShortObject, nodes: Nodes) => KubeObject>> = {
  node: nodeObject,
  namespace: namespaceObject,
  pod: podObject,
  service: serviceObject,
  policy: policyObject,
  slice: sliceObject,
};

const shortForms = new WeakMap<KubeObject, ShortObject>();

const formOf = (short: ShortObject): string | undefined => Object.keys(makers).find((key) => Object.keys(short)[0] === key);

/**
 * Adds to, or changes, the objects that are there. Unchanged objects keep their identity.
 * The first key of a short form names the kind; `{ apiVersion, kind, … }` is taken as it is.
 */
export function toManifests(added: readonly ShortObject[], there: readonly KubeObject[] = []): KubeObject[] {
  const objects = new Map(there.map((object) => [identityOf(object), object]));
  for (const short of added) {
    const object = 'apiVersion' in short ? (short as KubeObject) : expand(short, objects);
    const old = objects.get(identityOf(object));
    if (!old || !isDeepStrictEqual(old, object)) objects.set(identityOf(object), object);
  }
  return [...objects.values()];
}

function expand(short: ShortObject, objects: ReadonlyMap<string, KubeObject>): KubeObject {
  const form = formOf(short);
  const make = form && makers[form];
  if (!make) throw new Error(`not a short form: ${JSON.stringify(short)}`);
  const nodes = new Map([...objects.values()].filter(({ kind }) => kind === 'Node').map((node) => [node.metadata.name, shortForms.get(node)?.['number'] ?? 0]));
  const named = (candidate: KubeObject): boolean => formOf(shortForms.get(candidate) ?? {}) === form && shortForms.get(candidate)?.[form] === short[form];
  const whole = { ...shortForms.get([...objects.values()].find(named) ?? ({} as KubeObject)), ...short };
  const object = make(whole, nodes);
  shortForms.set(object, whole);
  return object;
}

export const identityOf = ({ kind, metadata }: KubeObject): string => `${kind} ${keyOf(metadata.name, metadata.namespace)}`;

