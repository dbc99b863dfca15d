// The wire between a pod and its node: a routed veth pair, no bridge. Whom it serves: node/pods and node/cni.
//
//   pod namespace                            node namespace
//   eth0  10.244.1.7/32, fd00::7/128  ─────  <name>  ee:ee:ee:ee:ee:ee, fe80::1
//   default via 169.254.1.1 (a neighbour     10.244.1.7 dev <name>
//   that only exists as a permanent entry)   fd00::7 dev <name>
//
// Every packet meets the node's forward hook, and pods share no link on which they could pretend to be each other.
import { addressBytes, addressOf, familyOf } from '../../base/net/address.ts';
import { hostPrefix } from '../../base/net/prefix.ts';
import { addAddress } from '../netlink/addresses.ts';
import { addVeth, deleteLink, printMac, setLink } from '../netlink/links.ts';
import { inNamespace, type Netns } from '../netlink/namespaces.ts';
import { setNeighbour } from '../netlink/neighbours.ts';
import { NetlinkError } from '../netlink/netlink-socket.ts';
import { addRoute, fixedRouteProtocol } from '../netlink/routes.ts';
import type { RtRequest } from '../netlink/rt-request.ts';
import { Rtnetlink, withRtnetlink } from '../netlink/rtnetlink.ts';
import { writeSysctlHere } from '../netlink/sysctl.ts';
import { podComforts, podSysctls } from './namespace-sysctls.ts';
import { asDriver, driverError } from './refusals.ts';

export interface PodLink {
  readonly podNs: Netns;
  /** Of the node's end: at most 15 characters, unique on the node. */
  readonly name: string;
  /** Addresses without length; at most one of each family is usual, more are allowed. */
  readonly ips: readonly string[];
  readonly mtu?: number;
  /** Name inside the pod. Absent: eth0. */
  readonly podLink?: string;
}

const driver = 'pod link';
const nodeMac = 'ee:ee:ee:ee:ee:ee';
const gateways = { 4: '169.254.1.1', 6: 'fe80::1' } as const;
const defaultRoutes = { 4: '0.0.0.0/0', 6: '::/0' } as const;

/** Locally administered and the same for the same address, so that no neighbour ever holds an outdated one. */
export const macOf = (address: string): string =>
  printMac(Buffer.concat([Buffer.from([0x0a, 0x58]), addressBytes(addressOf(address)).slice(-4)]));

/** One to two milliseconds. Throws DriverError; what was begun is taken back. */
export function attachPod(nodeNs: Netns, link: PodLink): void {
  asDriver(driver, () => {
    inNamespace(link.podNs, preparePodHere);
    withRtnetlink(nodeNs, (node) => {
      node.send(addVeth({ name: link.name, mtu: link.mtu, mac: nodeMac }, podEnd(link)));
      try {
        inNamespace(nodeNs, () => writeSysctlHere(`net/ipv4/conf/${link.name}/rp_filter`, '1'));
        node.send(...nodeSide(link));
        withRtnetlink(link.podNs, (pod) => pod.send(...podSide(link)));
      } catch (error) {
        takeBack(node, link.name);
        throw error;
      }
    });
  });
}

function preparePodHere(): void {
  for (const [key, value] of Object.entries(podSysctls)) writeSysctlHere(key, value);
  for (const [key, value] of Object.entries(podComforts)) {
    try {
      writeSysctlHere(key, value);
    } catch (error) {
      // The pod's network works without; its own user can still be root in it.
      if ((error as { code?: string }).code !== 'EINVAL') throw error;
    }
  }
}

const podEnd = ({ podNs, podLink = 'eth0', ips, mtu }: PodLink) => ({
  name: podLink,
  namespace: podNs,
  mtu,
  ...(ips[0] !== undefined && { mac: macOf(ips[0]) }),
});

function nodeSide({ name, ips }: PodLink): RtRequest[] {
  const hasV6 = ips.some((ip) => familyOf(ip) === 6);
  return [
    setLink(name, { up: true }),
    ...(hasV6 ? [addAddress({ link: name, address: `${gateways[6]}/64` }, fixedRouteProtocol)] : []),
    ...ips.flatMap((ip) => [
      setNeighbour({ link: name, address: ip, mac: macOf(ips[0]!) }, fixedRouteProtocol),
      addRoute({ prefix: hostPrefix(ip), link: name }, fixedRouteProtocol),
    ]),
  ];
}

function podSide({ ips, podLink: link = 'eth0' }: PodLink): RtRequest[] {
  const families = ([4, 6] as const).filter((family) => ips.some((ip) => familyOf(ip) === family));
  return [
    setLink('lo', { up: true }),
    setLink(link, { up: true }),
    ...ips.map((ip) => addAddress({ link, address: hostPrefix(ip) }, fixedRouteProtocol)),
    ...families.flatMap((family) => [
      setNeighbour({ link, address: gateways[family], mac: nodeMac }, fixedRouteProtocol),
      ...(family === 4 ? [addRoute({ prefix: hostPrefix(gateways[4]), link }, fixedRouteProtocol)] : []),
      addRoute({ prefix: defaultRoutes[family], via: gateways[family], link }, fixedRouteProtocol),
    ]),
  ];
}

/** Best effort: the first error is the one to tell. */
const takeBack = (node: Rtnetlink, name: string) => void node.tryEach([deleteLink(name)]);

/**
 * Both ends, routes and neighbours go; gone already is fine. Rejects with DriverError.
 * Takes 10–40 ms of the kernel's time, but none of this thread's.
 */
export async function detachPod(nodeNs: Netns, name: string): Promise<void> {
  try {
    await usingRtnetlink(nodeNs, (node) => node.sendAside(deleteLink(name)));
  } catch (error) {
    // The link, or the node with it, is gone: that is what was asked for.
    if (!isGone(error)) throw driverError(driver, error);
  }
}

async function usingRtnetlink(namespace: Netns, body: (rtnetlink: Rtnetlink) => Promise<void>): Promise<void> {
  const rtnetlink = new Rtnetlink(namespace);
  try {
    await body(rtnetlink);
  } finally {
    rtnetlink.close();
  }
}

const isGone = (error: unknown) =>
  (error instanceof NetlinkError && error.code === 'ENODEV') || (error as { code?: string }).code === 'ENOENT';
