// The objects a fresh cluster holds before anyone has created one: namespaces, the API's own Service, cluster DNS,
// the node parts and the gateway as the pods that people expect to see in kube-system.
import { defaultRoles } from '../control/apiserver/identity/rbac/default-roles.ts';
import type { ClusterDescription } from '../ui/config/cluster-description.ts';
import type { KubeObject } from '../kube/objects/meta.ts';
import { nthAddress, prefixOf } from '../base/net/prefix.ts';
import { printAddress } from '../base/net/address.ts';

const system = 'kube-system';

/** IPAM-30: the API has the first address of the Service range, DNS the tenth. */
export const serviceAddress = (description: Pick<ClusterDescription, 'serviceCIDRs'>, number: number): string =>
  printAddress(nthAddress(prefixOf(description.serviceCIDRs[0]!), number));

export const dnsAddress = (description: ClusterDescription): string => serviceAddress(description, 10);

const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];

/** In the order they are created; each is made only if it is absent. */
export function bootstrapObjects(description: ClusterDescription): KubeObject[] {
  return [
    ...apiObjects(description, 6443),
    ...dnsObjects(description),
    daemonSet('kube-proxy', { image: 'fairlead/proxy', labels: { 'k8s-app': 'kube-proxy' } }),
    daemonSet('fairlead-net', { image: 'fairlead/agent', labels: { 'k8s-app': 'fairlead-net' } }),
    ...(description.ingress ? ingressObjects() : []),
  ];
}

/** What an API server needs, whoever runs nodes and workloads. */
export function apiObjects(description: Pick<ClusterDescription, 'serviceCIDRs'>, port: number): KubeObject[] {
  return [
    ...namespaces.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
    service('kubernetes', 'default', {
      labels: { component: 'apiserver', provider: 'kubernetes' },
      spec: { clusterIP: serviceAddress(description, 1), ports: [{ name: 'https', port: 443, targetPort: port, protocol: 'TCP' }] },
    }),
    ...defaultRoles,
    priorityClass('system-node-critical', 2_000_001_000, 'node'),
    priorityClass('system-cluster-critical', 2_000_000_000, 'cluster'),
  ];
}

/** The one that must never be missing (SVC-58). */
export const apiServiceOf = (objects: readonly KubeObject[]): KubeObject => objects.find(({ kind, metadata }) => kind === 'Service' && metadata.name === 'kubernetes')!;

function priorityClass(name: string, value: number, of: string): KubeObject {
  const description = `Used for system critical pods that must ${of === 'node' ? 'not be moved from their current node' : 'run in the cluster, but can be moved to another node if necessary'}.`;
  return { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name }, value, description } as KubeObject;
}

function service(name: string, namespace: string, { labels, spec }: { labels: Record<string, string>; spec: object }): KubeObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace, labels }, spec } as KubeObject;
}

function dnsObjects(description: ClusterDescription): KubeObject[] {
  const labels = { 'k8s-app': 'kube-dns' };
  const ports = [
    { name: 'dns', port: 53, protocol: 'UDP', targetPort: 53 },
    { name: 'dns-tcp', port: 53, protocol: 'TCP', targetPort: 53 },
  ];
  const marks = { ...labels, 'kubernetes.io/cluster-service': 'true', 'kubernetes.io/name': 'CoreDNS' };
  const spec = {
    dnsPolicy: 'Default',
    priorityClassName: 'system-cluster-critical',
    tolerations: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }],
    containers: [{ name: 'dns', image: 'fairlead/dns', ports: ports.map(({ name, port, protocol }) => ({ name, containerPort: port, protocol })) }],
  };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'coredns', namespace: system, labels },
    spec: { replicas: 2, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
  return [service('kube-dns', system, { labels: marks, spec: { clusterIP: dnsAddress(description), selector: labels, ports } }), deployment];
}

interface DaemonSetParts {
  image: string;
  labels: Record<string, string>;
  /** Node parts run everywhere; the gateway only where ordinary pods may. */
  everywhere?: boolean;
  ports?: object[];
}

function daemonSet(name: string, { image, labels, everywhere = true, ports }: DaemonSetParts): KubeObject {
  const spec = {
    hostNetwork: true,
    ...(everywhere && { tolerations: [{ operator: 'Exists' }], priorityClassName: 'system-node-critical' }),
    containers: [{ name, image, ...(ports && { ports }) }],
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace: system, labels },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  } as KubeObject;
}

function ingressObjects(): KubeObject[] {
  const ingressClass = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'fairlead', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    spec: { controller: 'fairlead.dev/ingress' },
  } as KubeObject;
  const ports = [
    { name: 'http', containerPort: 80 },
    { name: 'https', containerPort: 443 },
  ];
  const labels = { 'app.kubernetes.io/name': 'fairlead-gateway' };
  return [ingressClass, daemonSet('fairlead-gateway', { image: 'fairlead/gateway', labels, everywhere: false, ports })];
}
