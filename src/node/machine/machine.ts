// The machine room: turns one Linux host into a small network with nodes, for the stand-alone cluster and for tests.
// Against a real cluster nothing here is used. All of it is synchronous and takes about two milliseconds a node.
//
//   caller's namespace      underlay namespace                       node namespace
//   fl-<cluster> .254 ────── host ┐
//                                 br0 .1 (gateway; all else
//                         to-a ───┘ is unreachable at once) ──────── eth0 .4
//
// The host reaches node addresses and LoadBalancer pools, because it is on the link; it has no route to pods or
// ClusterIPs, like any machine outside a cluster (NET-15, NET-16).
import { existsSync } from 'node:fs';
import { familyOf } from '../../base/net/address.ts';
import { DriverError } from '../linux/driver.ts';
import { hostSysctls, nodeSysctls } from '../linux/namespace-sysctls.ts';
import { macOf } from '../linux/pod-link.ts';
import { asDriver } from '../linux/refusals.ts';
import { addAddress } from '../netlink/addresses.ts';
import { addBridge, addVeth, deleteLink, setLink } from '../netlink/links.ts';
import { createNamespace, homeNamespace, inNamespace, listNamespaces, type Netns, removeNamespace } from '../netlink/namespaces.ts';
import { addRoute, fixedRouteProtocol } from '../netlink/routes.ts';
import { withRtnetlink } from '../netlink/rtnetlink.ts';
import { writeSysctlHere } from '../netlink/sysctl.ts';
import { gatewaysOf, hostAddressesOf, type HostDescription, type HostRoute, type MachineDescription, poolsBeside, withLength } from './description.ts';
import { hostLinkName, namespacePrefix, nodeNamespace, portName, underlayNamespace } from './names.ts';

const driver = 'machine';
const bridge = 'br0';
const defaultRoutes = { 4: '0.0.0.0/0', 6: '::/0' } as const;

/** Everything of the description; on failure nothing. Throws DriverError; refused while a cluster of that name is up. */
export function createMachine(description: MachineDescription): void {
  const { cluster, nodes, outside = [] } = description;
  if (machineExists(cluster)) throw new DriverError(driver, `cluster ${cluster} is up already, or was not taken down`, cluster);
  try {
    asDriver(driver, () => {
      createUnderlay(description);
      connectHost(description);
      for (const node of nodes) addNode(description, node);
      for (const host of outside) addOutsideHost(description, host);
    });
  } catch (error) {
    removeMachine(cluster);
    throw error;
  }
}

/** Up, or left behind by a run that was killed: removeMachine tidies both. */
export const machineExists = (cluster: string): boolean =>
  listNamespaces(namespacePrefix(cluster)).length > 0 ||
  withRtnetlink(homeNamespace, (home) => home.link(hostLinkName(cluster)) !== undefined);

function createUnderlay(description: MachineDescription): void {
  const underlay = createNamespace(underlayNamespace(description.cluster).name, nodeSysctls);
  withRtnetlink(underlay, (rtnetlink) => {
    rtnetlink.send(addBridge(bridge));
    inNamespace(underlay, keepFiltersOffBridge);
    rtnetlink.send(
      setLink('lo', { up: true }),
      setLink(bridge, { up: true, mtu: description.mtu }),
      ...gatewaysOf(description).map((address) =>
        addAddress({ link: bridge, address: withLength(description, address) }, fixedRouteProtocol),
      ),
      ...poolsBeside(description).map((prefix) => addRoute({ prefix, link: bridge }, fixedRouteProtocol)),
      // Unknown destinations fail instead of hanging. (TCP over IPv6 believes it at its first repetition, after a second.)
      ...([4, 6] as const).map((family) =>
        addRoute({ prefix: defaultRoutes[family], type: 'unreachable' }, fixedRouteProtocol),
      ),
    );
  });
}

/** Where br_netfilter is loaded it would send every frame between nodes through iptables of the underlay. */
function keepFiltersOffBridge(): void {
  for (const name of ['iptables', 'ip6tables', 'arptables']) {
    const key = `net/bridge/bridge-nf-call-${name}`;
    if (existsSync(`/proc/sys/${key}`)) writeSysctlHere(key, '0');
  }
}

function connectHost(description: MachineDescription): void {
  const link = hostLinkName(description.cluster);
  const { mtu } = description;
  plugIn(description.cluster, 'host', { name: link, namespace: homeNamespace, mtu });
  inNamespace(homeNamespace, () => {
    // The machine's own defaults are not ours to change, but this link's are, as long as it is down.
    writeSysctlHere(`net/ipv6/conf/${link}/accept_dad`, '0');
    writeSysctlHere(`net/ipv6/conf/${link}/dad_transmits`, '0');
    writeSysctlHere(`net/ipv6/conf/${link}/accept_ra`, '0');
  });
  withRtnetlink(homeNamespace, (home) =>
    home.send(
      setLink(link, { up: true }),
      ...hostAddressesOf(description).map((address) =>
        addAddress({ link, address: withLength(description, address) }, fixedRouteProtocol),
      ),
      ...poolsBeside(description).map((prefix) => addRoute({ prefix, link }, fixedRouteProtocol)),
    ),
  );
}

/** A cable from a namespace into the bridge. */
function plugIn(cluster: string, port: string, end: { name: string; namespace: Netns; mac?: string; mtu?: number }): void {
  withRtnetlink(underlayNamespace(cluster), (underlay) =>
    underlay.send(addVeth({ name: port, mtu: end.mtu }, end), setLink(port, { master: bridge, up: true })),
  );
}

/** A node more, at run time or at the start. Throws DriverError (its code EEXIST when the name is taken). */
export const addNode = (description: MachineDescription, node: HostDescription): Netns =>
  addHost(description, node, nodeSysctls);

export const addOutsideHost = (description: MachineDescription, host: HostDescription): Netns =>
  addHost(description, host, hostSysctls);

function addHost(description: MachineDescription, host: HostDescription, sysctls: Readonly<Record<string, string>>): Netns {
  return asDriver(driver, () => {
    const { cluster, mtu } = description;
    const namespace = createNamespace(nodeNamespace(cluster, host.name).name, sysctls);
    const mac = host.addresses[0] === undefined ? undefined : macOf(host.addresses[0]);
    plugIn(cluster, portName(host.name), { name: 'eth0', namespace, mac, mtu });
    const families = new Set(host.addresses.map(familyOf));
    const gateways = gatewaysOf(description).filter((gateway) => families.has(familyOf(gateway)));
    withRtnetlink(namespace, (rtnetlink) =>
      rtnetlink.send(
        setLink('lo', { up: true }),
        setLink('eth0', { up: true }),
        ...host.addresses.map((address) =>
          addAddress({ link: 'eth0', address: withLength(description, address) }, fixedRouteProtocol),
        ),
        ...gateways.map((via) =>
          addRoute({ prefix: defaultRoutes[familyOf(via)], via, link: 'eth0' }, fixedRouteProtocol),
        ),
      ),
    );
    return namespace;
  });
}

/** Pulls the cable and takes the name away. The processes in it are their owner's to end. Gone already is fine. */
export function removeNode(cluster: string, name: string): void {
  const underlay = underlayNamespace(cluster);
  if (existsSync(underlay.path)) {
    withRtnetlink(underlay, (rtnetlink) => rtnetlink.tryEach([deleteLink(portName(name))]));
  }
  removeNamespace(nodeNamespace(cluster, name));
}

/** Leaves nothing of the cluster: not what this run made, nor what a killed one left. May be repeated. */
export function removeMachine(cluster: string): void {
  asDriver(driver, () => {
    withRtnetlink(homeNamespace, (home) => {
      // First, because a namespace that somebody still holds open would keep the link alive.
      if (home.link(hostLinkName(cluster))) home.send(deleteLink(hostLinkName(cluster)));
    });
    listNamespaces(namespacePrefix(cluster)).forEach(removeNamespace);
  });
}

/** The same deed under the name that says when: before `up`, after a kill. */
export const sweepMachine = removeMachine;

/** Where this machine sends what, for findConflicts and freeSubnet. */
export const readHostRoutes = (): HostRoute[] => withRtnetlink(homeNamespace, (home) => home.routes());
