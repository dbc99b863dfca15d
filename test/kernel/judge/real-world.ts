// A scenario's world as a real machine: nodes, pods and machines outside are namespaces, wiring and rulesets are brought
// by the real drivers. One machine lives through all scenarios of its world; only what differs is changed, so that the
// drivers' differences are put to the test as well. Serves the kernel judge.
//
//   pod ── node ──┐                         ┌── outside, friend …   (routed, one address of each family)
//   pod ── node ──┴── br0, the underlay ────┴── elsewhere           (every other address there is)
//                      └── a second cable of each outside machine, for packets that must enter by a certain node
import { execFileSync } from 'node:child_process';
import { hostPrefix } from '../../../src/base/net/prefix.ts';
import { addressFromBytes, familyOf, printAddress } from '../../../src/base/net/address.ts';
import { keyOf } from '../../../src/kube/store/store.ts';
import type { NetworkModel } from '../../../src/model/network-model.ts';
import { step } from '../../../src/node/agent/step.ts';
import { nodeCgroup, removeCgroups } from '../../../src/node/bpf/cgroups.ts';
import { createConnectRenderer } from '../../../src/node/bpf/render-connect.ts';
import { createFlowRenderer } from '../../../src/node/dataplane/render-flows.ts';
import { createWiringRenderer } from '../../../src/node/dataplane/render-wiring.ts';
import { connectDriver } from '../../../src/node/bpf/connect-driver.ts';
import { conntrackDriver } from '../../../src/node/linux/conntrack-driver.ts';
import type { Driver } from '../../../src/node/linux/driver.ts';
import { hostSysctls, podSysctls } from '../../../src/node/linux/namespace-sysctls.ts';
import { attachPod, detachPod, macOf } from '../../../src/node/linux/pod-link.ts';
import { linuxWiringDriver } from '../../../src/node/linux/wiring-linux.ts';
import { type WiredRoute, type Wiring, wiringOf } from '../../../src/node/linux/wiring.ts';
import { createMachine, removeMachine } from '../../../src/node/machine/machine.ts';
import { namespacePrefix, nodeNamespace, underlayNamespace } from '../../../src/node/machine/names.ts';
import { createNamespace, inNamespace, type Netns, removeNamespace } from '../../../src/node/netlink/namespaces.ts';
import { writeSysctlHere } from '../../../src/node/netlink/sysctl.ts';
import type { Fixture } from '../../scenarios/worlds.ts';
import type { Stage } from '../../scenarios/run/stage.ts';
import { type Listeners, openListeners } from './listeners.ts';
import { type Ear, openEar, type RawProtocol } from './raw-probes.ts';
import { openRuleHands, type RuleHands, type RulesBy } from './rule-hands.ts';

export interface Place {
  /** As `packets:` lines call it. */
  readonly who: string;
  readonly namespace: Netns;
  readonly listeners: Listeners;
  readonly ears: Map<RawProtocol, Ear>;
  /** Of its node, where processes are balanced when they connect. */
  readonly cgroup?: string;
}

/** One node's drivers, each with what the model means to it. */
export interface NodeHands {
  readonly namespace: Netns;
  readonly wiring: Driver<Wiring>;
  readonly rules: RuleHands;
  renderWiring(model: NetworkModel): Wiring;
  apply(model: NetworkModel): Promise<void>;
  /** Which endpoint sticky clients had. */
  forgetClients(model: NetworkModel): Promise<void>;
  close(): Promise<void>;
}

export interface RealWorld {
  /** Everybody who can send or receive now, by name. */
  readonly places: ReadonlyMap<string, Place>;
  readonly nodes: ReadonlyMap<string, NodeHands>;
  /** Pods, wiring, rulesets and the ways outside become the stage's. */
  show(stage: Stage): Promise<void>;
  /** New drivers that know nothing, on the kernel as it is. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

const gateways = { 4: '169.254.1.1', 6: 'fe80::1' } as const;
const outsideLink = 'eth1';
/** The name of the one that hears what is sent to nobody. */
export const elsewhere = 'elsewhere';
const firstTable = 100;
/** Packet mark, and routing table, of those who must enter by this node. */
export const markOf = (stage: Stage, node: string): number => firstTable + [...stage.models.keys()].indexOf(node);

/** Nodes refuse often and at once here; people's machines may go on limiting what they say by ICMP. */
const noIcmpLimits = { 'net/ipv4/icmp_ratelimit': '0', 'net/ipv6/icmp/ratelimit': '0' };

const halves = { 4: ['0.0.0.0/1', '128.0.0.0/1'], 6: ['::/1', '8000::/1'] } as const;
const everywhere = [...halves[4], ...halves[6]];

function openPlace(who: string, namespace: Netns, cgroup?: string): Place {
  return { who, namespace, listeners: openListeners(namespace, who), ears: new Map(), ...(cgroup !== undefined && { cgroup }) };
}

function closePlace({ listeners, ears }: Place): void {
  listeners.close();
  for (const ear of ears.values()) ear.close();
}

export function earOf(place: Place, protocol: RawProtocol): Ear {
  const ear = place.ears.get(protocol) ?? openEar(place.namespace, place.who, protocol);
  place.ears.set(protocol, ear);
  return ear;
}

function ip(namespace: Netns, family: '-4' | '-6', ...lines: string[]): void {
  inNamespace(namespace, () => execFileSync('ip', [family, '-batch', '-'], { input: `${lines.join('\n')}\n` }));
}

function openHands(namespace: Netns, rulesBy: RulesBy, cgroup: string | undefined): NodeHands {
  const wiring = linuxWiringDriver(namespace);
  const flows = conntrackDriver(namespace);
  const rules = openRuleHands(namespace, rulesBy);
  const balancing = cgroup === undefined ? undefined : step(createConnectRenderer(), connectDriver(cgroup));
  const [renderWiring, renderFlows] = [createWiringRenderer(), createFlowRenderer()];
  return {
    namespace,
    wiring,
    rules,
    renderWiring,
    async apply(model) {
      await wiring.apply(renderWiring(model));
      await rules.apply(model);
      await flows.apply(renderFlows(model));
      await balancing?.apply(model);
    },
    async forgetClients(model) {
      await rules.forgetClients(model);
      await balancing?.remove();
      await balancing?.apply(model);
    },
    async close() {
      rules.close();
      await balancing?.remove();
    },
  };
}

interface PodHere {
  readonly who: string;
  readonly node: string;
  readonly ips: readonly string[];
}

/** Every pod that has a network of its own. */
function podsOf({ world }: Stage): Map<string, PodHere> {
  const pods = new Map<string, PodHere>();
  for (const [address, { pod, node }] of world.pods) {
    const who = pod.namespace === 'default' ? pod.name : keyOf(pod.name, pod.namespace);
    pods.set(who, { who, node, ips: [...(pods.get(who)?.ips ?? []), address] });
  }
  return pods;
}

const samePod = (a: PodHere | undefined, b: PodHere | undefined): boolean =>
  a !== undefined && b !== undefined && a.node === b.node && a.ips.join() === b.ips.join();

/** What routers out there know: nodes' pod ranges, and announced addresses on the nodes' own link. */
function underlayWiring({ models }: Stage): Wiring {
  const nodes = [...models.values()].map(({ self }) => self);
  return wiringOf({
    routes: [
      ...nodes.flatMap(({ ips, podCIDRs }) =>
        podCIDRs.map((prefix): WiredRoute => ({ prefix, via: ips.find((address) => familyOf(address) === familyOf(prefix)), link: 'br0' })),
      ),
      ...nodes.flatMap(({ announces }) => announces.map((address): WiredRoute => ({ prefix: hostPrefix(address), link: 'br0' }))),
      ...everywhere.map((prefix): WiredRoute => ({ prefix, link: elsewhere, via: familyOf(prefix) === 4 ? '192.0.2.1' : 'fe80::a' })),
    ],
  });
}

/** RFC 4291, appendix A. By its global address a node is behind the router already, and the kernel takes no second way. */
function linkLocalOf(ip: string): string {
  const mac = macOf(ip).split(':').map((part) => Number.parseInt(part, 16));
  const bytes = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0]! ^ 2, mac[1]!, mac[2]!, 0xff, 0xfe, mac[3]!, mac[4]!, mac[5]!];
  return printAddress(addressFromBytes(Uint8Array.from(bytes)));
}

/** Machines outside know the way to nodes and announced addresses; routed ones to pods too; and, marked, any node. */
function outsideWiring({ models }: Stage, routed: boolean): Wiring {
  const nodes = [...models.values()].map(({ self }) => self);
  const reachable = nodes.flatMap(({ ips, podCIDRs, announces }) => [...ips.map(hostPrefix), ...announces.map(hostPrefix), ...(routed ? podCIDRs : [])]);
  return wiringOf({
    routes: [
      ...everywhere.map((prefix): WiredRoute => ({ prefix, type: 'unreachable' })),
      ...reachable.map((prefix): WiredRoute => ({ prefix, via: gateways[familyOf(prefix)], link: outsideLink })),
      ...nodes.flatMap(({ ips }, index): WiredRoute[] => [
        { prefix: '0.0.0.0/0', via: ips[0], link: 'eth0', onlink: true, table: firstTable + index },
        { prefix: '::/0', via: linkLocalOf(ips[0]!), link: 'eth0', table: firstTable + index },
      ]),
    ],
  });
}

/** Netlink and text take turns, so that every scenario meets both. */
const bothNft: readonly RulesBy[] = ['netlink', 'text'];

export interface RealWorldOptions {
  /** How rules are brought: they go round the nodes. */
  readonly ways?: readonly RulesBy[];
  /** Pods and nodes send as processes that are balanced when they connect. */
  readonly balanced?: boolean;
}

/** `cluster` names the machine; the fixture's nodes and hosts are all it will ever have. */
export function buildRealWorld(cluster: string, fixture: Fixture, first: Stage, { ways = bothNft, balanced = false }: RealWorldOptions = {}): RealWorld {
  const cgroupOf = (node: string) => (balanced ? nodeCgroup(cluster, node) : undefined);
  const nodeNames = [...first.models.keys()];
  const hosts = Object.entries(fixture.hosts);
  createMachine({
    cluster,
    subnets: ['192.168.0.0/24', 'fd00:192:168::/64'],
    gateways: ['192.168.0.253', 'fd00:192:168::fd'],
    nodes: [...first.models].map(([name, { self }]) => ({ name, addresses: self.ips })),
    outside: hosts.map(([name]) => ({ name, addresses: [] })),
  });
  const underlay = underlayNamespace(cluster);
  const places = new Map<string, Place>();
  const add = (place: Place) => void places.set(place.who, place);

  for (const name of nodeNames) {
    const namespace = nodeNamespace(cluster, name);
    inNamespace(namespace, () => Object.entries(noIcmpLimits).forEach(([key, value]) => writeSysctlHere(key, value)));
    add(openPlace(`node ${name}`, namespace, cgroupOf(name)));
  }
  for (const [name, { ips }] of hosts) {
    const namespace = nodeNamespace(cluster, name);
    attachPod(underlay, { podNs: namespace, name, ips, podLink: outsideLink });
    const rules = nodeNames.map((_, index) => `rule add fwmark ${firstTable + index} lookup ${firstTable + index}`);
    ip(namespace, '-4', ...rules);
    ip(namespace, '-6', ...rules);
    add(openPlace(name, namespace));
  }
  const nowhere = buildElsewhere(cluster, underlay, hosts.flatMap(([, { ips }]) => ips.map(hostPrefix)));
  add({ who: elsewhere, namespace: nowhere, listeners: openListeners(nowhere, elsewhere, true), ears: new Map() });

  const outsideDrivers = new Map(hosts.map(([name]) => [name, linuxWiringDriver(nodeNamespace(cluster, name))]));
  const underlayDriver = linuxWiringDriver(underlay);
  const openAll = () => new Map(nodeNames.map((name, index) => [name, openHands(nodeNamespace(cluster, name), ways[index % ways.length]!, cgroupOf(name))]));
  let nodes = openAll();
  let pods = new Map<string, PodHere & { link: string }>();
  let links = 0;
  let announcers = '';

  /** A new announcer says so to everyone on the link (gratuitous ARP); until serve/announce does, the router forgets. */
  function moveAnnouncements({ models }: Stage): void {
    const now = [...models].map(([name, { self }]) => `${name}: ${self.announces.join()}`).join();
    if (announcers !== now) inNamespace(underlay, () => execFileSync('ip', ['neigh', 'flush', 'dev', 'br0']));
    announcers = now;
  }

  async function showPods(stage: Stage): Promise<void> {
    const wanted = podsOf(stage);
    const doomed = [...pods.values()].filter((pod) => !samePod(pod, wanted.get(pod.who)));
    await Promise.all(
      doomed.map(async ({ who, node, link }) => {
        closePlace(places.get(who)!);
        places.delete(who);
        pods.delete(who);
        await detachPod(nodeNamespace(cluster, node), link);
        removeNamespace(podNamespace(cluster, who));
      }),
    );
    for (const pod of wanted.values()) {
      if (pods.has(pod.who)) continue;
      const podNs = createNamespace(podNamespace(cluster, pod.who).name, podSysctls);
      const link = `pod${(links += 1)}`;
      attachPod(nodeNamespace(cluster, pod.node), { podNs, name: link, ips: pod.ips });
      pods.set(pod.who, { ...pod, link });
      add(openPlace(pod.who, podNs, cgroupOf(pod.node)));
    }
  }

  return {
    places,
    get nodes() {
      return nodes;
    },
    async show(stage) {
      await showPods(stage);
      await underlayDriver.apply(underlayWiring(stage));
      await Promise.all(hosts.map(async ([name, { routed }]) => outsideDrivers.get(name)!.apply(outsideWiring(stage, routed))));
      await Promise.all([...stage.models].map(async ([name, model]) => nodes.get(name)!.apply(model)));
      moveAnnouncements(stage);
    },
    async restart() {
      for (const hands of nodes.values()) await hands.close();
      nodes = openAll();
    },
    async close() {
      for (const place of places.values()) closePlace(place);
      for (const hands of nodes.values()) await hands.close();
      removeCgroups(cluster);
      pods = new Map();
      removeMachine(cluster);
    },
  };
}

/** Its name is under the machine's prefix, so that removeMachine finds it. */
const podNamespace = (cluster: string, who: string): Netns => nodeNamespace(cluster, `pod.${who.replace('/', '.')}`);

/** Every address that nobody in the world has: whatever is sent there is heard here. In the table `local` these would hide the ways back. */
function buildElsewhere(cluster: string, underlay: Netns, hosts: readonly string[]): Netns {
  const known = ['192.168.0.0/24', '10.244.0.0/16', 'fd00:192:168::/64', 'fd00:10:244::/48', ...hosts];
  const ways = (family: 4 | 6) => known.filter((prefix) => familyOf(prefix) === family).map((prefix) => `route add ${prefix} via ${gateways[family]} dev eth0`);
  const namespace = createNamespace(`${namespacePrefix(cluster)}${elsewhere}`, hostSysctls);
  attachPod(underlay, { podNs: namespace, name: elsewhere, ips: ['192.0.2.1', 'fd00:ffff::1'] });
  ip(
    namespace,
    '-4',
    ...halves[4].map((prefix) => `route add local ${prefix} dev lo table main`),
    ...ways(4),
  );
  ip(
    namespace,
    '-6',
    'addr add fe80::a/64 dev eth0 nodad',
    ...halves[6].map((prefix) => `route add local ${prefix} dev lo table main`),
    ...ways(6),
  );
  return namespace;
}
