// A large cluster as objects: N Services of one port, each with one slice of so many endpoints. Serves the benches.
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import type { EndpointSlice } from '../../src/kube/objects/networking.ts';
import type { Scope } from '../../src/model/network-model.ts';

export const scope: Scope = { node: 'a', clusterDomain: 'cluster.local', podCIDRs: ['10.0.0.0/10'], serviceCIDRs: ['10.96.0.0/12'] };

const namespace = 'bench';
/** As the API server gives them to stored objects. */
const stored = (name: string, index: number) => ({ name, namespace, uid: `uid-${name}`, resourceVersion: String(index + 10), creationTimestamp: '2026-01-01T00:00:00Z' });

export const serviceName = (index: number): string => `service-${index}`;
export const clusterIp = (index: number): string => `10.${96 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
export const podIp = (number: number): string => `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;

export const service = (index: number): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: stored(serviceName(index), index),
    spec: {
      type: 'ClusterIP',
      clusterIP: clusterIp(index + 256),
      clusterIPs: [clusterIp(index + 256)],
      ipFamilies: ['IPv4'],
      sessionAffinity: 'None',
      selector: { app: serviceName(index) },
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }],
    },
  }) as KubeObject;

/** Node `a` has a hundred of the pods, as a node has. */
const isHere = (pod: number): boolean => pod % 1000 === 1;

/** `moved`: the number of the pod that stands in for the first endpoint. */
export function slice(index: number, endpoints: number, moved?: number): EndpointSlice {
  const first = index * endpoints + 1;
  const addresses = Array.from({ length: endpoints }, (_, i) => podIp(i === 0 && moved !== undefined ? moved : first + i));
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...stored(`${serviceName(index)}-x`, index), labels: { 'kubernetes.io/service-name': serviceName(index) } },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    endpoints: addresses.map((address, i) => ({
      addresses: [address],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName: isHere(first + i) ? 'a' : 'b',
      targetRef: { kind: 'Pod', namespace, name: `${serviceName(index)}-${i}` },
    })),
  } as EndpointSlice;
}

const node = (name: string, number: number): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, uid: `uid-${name}`, resourceVersion: '2', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { podCIDR: `10.${number}.0.0/16`, podCIDRs: [`10.${number}.0.0/16`] },
    status: { addresses: [{ type: 'InternalIP', address: `172.30.0.${number}` }] },
  }) as KubeObject;

const namespaceObject = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, uid: 'uid-ns', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' } } as KubeObject;

export function manyServices(services: number, endpoints: number): KubeObject[] {
  const indices = Array.from({ length: services }, (_, index) => index);
  return [namespaceObject, node('a', 1), node('b', 2), ...indices.map(service), ...indices.map((index) => slice(index, endpoints))];
}
