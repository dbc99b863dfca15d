// The small named fixtures that scenarios start from: nodes, namespaces, pods, and machines outside.
// Every world is dual stack. Pods of the fixture listen on whatever port a scenario asks.
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import type { Scope } from '../../src/model/network-model.ts';
import { hostPartOf, nodeNames, nodeOf, podNames, spaces } from './random/crowd.ts';
import { type ShortObject, toManifests } from './run/short-objects.ts';

export interface OutsideHost {
  readonly ips: readonly string[];
  /** This machine has routes to pods, services and externalIPs through the nodes; others reach node and balancer addresses only. */
  readonly routed: boolean;
}

export interface Fixture {
  readonly objects: readonly KubeObject[];
  readonly hosts: Readonly<Record<string, OutsideHost>>;
  readonly scope: Omit<Scope, 'node'>;
}

const scope: Fixture['scope'] = {
  clusterDomain: 'cluster.local',
  podCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'],
  serviceCIDRs: ['10.96.0.0/16', 'fd00:10:96::/112'],
};

/** Node number n has 192.168.0.n and the n-th pod range. */
const node = (name: string, n: number, zone?: string): ShortObject => ({ node: name, number: n, ...(zone ? { zone } : {}) });

const pod = (name: string, on: string, labels: Record<string, string>, more: object = {}): ShortObject => ({ pod: name, node: on, labels, ...more });

const outside: Fixture['hosts'] = {
  outside: { ips: ['203.0.113.5', '2001:db8:113::5'], routed: false },
  friend: { ips: ['203.0.113.6', '2001:db8:113::6'], routed: true },
};

const web = { app: 'web' };
const webPorts = { ports: { http: 8080 } };

const twoNodes: readonly ShortObject[] = [
  { namespace: 'default' },
  node('a', 1),
  node('b', 2),
  pod('client', 'a', { app: 'client' }),
  pod('web-1', 'a', web, webPorts),
  pod('web-2', 'b', web, webPorts),
];

const threeNodes: readonly ShortObject[] = [
  { namespace: 'default' },
  node('a', 1, 'east'),
  node('b', 2, 'east'),
  node('c', 3, 'west'),
  pod('client-a', 'a', { app: 'client' }),
  pod('client-b', 'b', { app: 'client' }),
  pod('client-c', 'c', { app: 'client' }),
  pod('web-1', 'a', web, webPorts),
  pod('web-2', 'b', web, webPorts),
  pod('web-3', 'c', web, webPorts),
];

/** The truth table's own world (NPT): pods a, b, c in each of x, y, z; every pod a on node1, the others on node2. */
function policyWorld(): ShortObject[] {
  const ports = { ports: { 'serve-80-tcp': 80, 'serve-81-tcp': 81, 'serve-80-udp': '80/UDP', 'serve-80-sctp': '80/SCTP' } };
  const objects: ShortObject[] = [node('node1', 1), node('node2', 2)];
  for (const [n, space] of ['x', 'y', 'z'].entries()) {
    objects.push({ namespace: space, labels: { ns: space } });
    // .2-.4 are x, .18-.20 y, .34-.36 z in each node's range, so that a /28 holds one namespace's pods of one node.
    for (const [i, name] of ['a', 'b', 'c'].entries()) {
      objects.push(pod(`${space}/${name}`, name === 'a' ? 'node1' : 'node2', { pod: name }, { ...ports, host: 16 * n + i + 2 }));
    }
  }
  objects.push(pod('x/h', 'node2', { pod: 'h' }, { hostNetwork: true }));
  return objects;
}

const externals: Fixture['hosts'] = {
  ext1: { ips: ['172.17.0.5', '2001:db8:17::5'], routed: true },
  ext2: { ips: ['172.17.1.5', '2001:db8:17:1::5'], routed: true },
  ext3: { ips: ['8.8.8.8', '2001:db8:8::8'], routed: true },
};

/** What random worlds grow from: three nodes, pods in three namespaces, two of them processes of their nodes. */
function crowd(): ShortObject[] {
  const objects: ShortObject[] = nodeNames.map((name, i) => node(name, i + 1));
  for (const space of spaces) {
    objects.push({ namespace: space, labels: { ns: space } });
    for (const name of podNames) {
      const ports = { 'serve-80-tcp': 80, 'serve-81-tcp': 81, 'serve-80-udp': '80/UDP', 'serve-80-sctp': '80/SCTP', web: name === 'b' ? 81 : 80 };
      const labels = { pod: name, app: 'web', ...(name === 'd' ? {} : { tier: name === 'c' ? 'back' : 'front' }) };
      objects.push(pod(`${space}/${name}`, nodeOf(name), labels, { ports, host: hostPartOf(space, name) }));
    }
  }
  const hosted = { hostNetwork: true, ports: { web: 80 } };
  return [...objects, pod('x/g', 'node1', { pod: 'g' }, hosted), pod('x/h', 'node2', { pod: 'h', tier: 'back' }, hosted)];
}

/** A stranger knows the way to nodes and balancer addresses only. */
const strangers: Fixture['hosts'] = { ...externals, ext3: { ips: ['8.8.8.8', '2001:db8:8::8'], routed: false } };

export const worlds: Readonly<Record<string, Fixture>> = {
  'one-node': { objects: toManifests([{ namespace: 'default' }, node('a', 1), pod('client', 'a', { app: 'client' }), pod('web-1', 'a', web, webPorts)]), hosts: outside, scope },
  'two-nodes': { objects: toManifests(twoNodes), hosts: outside, scope },
  'three-nodes': { objects: toManifests(threeNodes), hosts: outside, scope },
  policies: { objects: toManifests(policyWorld()), hosts: externals, scope },
  crowd: { objects: toManifests(crowd()), hosts: strangers, scope },
};
