// A large cluster as objects: nodes, Services, and for each a ReplicaSet with its pods, all running. Serves the scale bench.
import { podKind } from '../../src/kube/kinds/pod.ts';
import type { Node, Pod, Service } from '../../src/kube/objects/core.ts';
import type { ReplicaSet } from '../../src/kube/objects/apps.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';

export interface ClusterSize {
  readonly nodes: number;
  readonly services: number;
  readonly podsPerService: number;
  /** Of the one Service that is rolled. */
  readonly large: number;
}

const time = '2026-01-01T00:00:00Z';
const namespace = 'bench';
let uids = 0;
const stored = (name: string, more: object = {}) => ({ name, uid: `u${++uids}`, resourceVersion: String(uids + 10), creationTimestamp: time, ...more });

const node = (index: number): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Node',
    metadata: stored(`node-${index}`, { labels: { 'topology.kubernetes.io/zone': `zone-${index % 3}` } }),
    spec: { podCIDR: `10.${index >> 8}.${index & 255}.0/24`, podCIDRs: [`10.${index >> 8}.${index & 255}.0/24`] },
    status: {
      addresses: [{ type: 'InternalIP', address: `172.${16 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}` }],
      conditions: [{ type: 'Ready', status: 'True', lastHeartbeatTime: time, lastTransitionTime: time }],
    },
  }) as unknown as Node as KubeObject;

const service = (app: string, index: number): KubeObject =>
  ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: stored(app, { namespace }),
    spec: { type: 'ClusterIP', clusterIP: `10.${200 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`, clusterIPs: [`10.${200 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`], ipFamilies: ['IPv4'], selector: { app }, ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }] },
  }) as unknown as Service as KubeObject;

const replicaSet = (app: string, replicas: number): KubeObject =>
  ({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: stored(app, { namespace, generation: 1 }),
    spec: { replicas, selector: { matchLabels: { app } }, template: { metadata: { labels: { app } }, spec: { containers: [{ name: 'c', image: 'i' }] } } },
    status: { replicas, fullyLabeledReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas, observedGeneration: 1 },
  }) as unknown as ReplicaSet as KubeObject;

/** A running pod of the application's ReplicaSet. */
export function pod(app: string, owner: string, place: { number: number; node: number }): Pod {
  const ip = `10.${128 + (place.number >> 16)}.${(place.number >> 8) & 255}.${place.number & 255}`;
  const bare = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: stored(`${app}-${place.number}`, { namespace, labels: { app }, ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: app, uid: owner, controller: true }] }),
    spec: { nodeName: `node-${place.node}`, containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 8080 }] }] },
    status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: time }] },
  } as unknown as Pod;
  return podKind.setDefaults?.(bare) ?? bare;
}

export const largeApp = 'large';

export function largeCluster({ nodes, services, podsPerService, large }: ClusterSize): KubeObject[] {
  const objects: KubeObject[] = [{ apiVersion: 'v1', kind: 'Namespace', metadata: stored(namespace), status: { phase: 'Active' } } as KubeObject];
  for (let i = 0; i < nodes; i++) objects.push(node(i));
  let number = 0;
  const add = (app: string, index: number, count: number) => {
    const set = replicaSet(app, count);
    objects.push(service(app, index), set);
    for (let i = 0; i < count; i++, number++) objects.push(pod(app, set.metadata.uid!, { number, node: number % nodes }));
  };
  for (let index = 0; index < services; index++) add(`app-${index}`, index + 1, podsPerService);
  add(largeApp, services + 1, large);
  return objects;
}
