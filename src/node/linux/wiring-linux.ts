// The hand of the wiring driver that works on Linux, over rtnetlink and /proc/sys.
import { addAddress, removeAddress } from '../netlink/addresses.ts';
import { addBridge, addVeth, deleteLink, type Link, setLink } from '../netlink/links.ts';
import { inNamespace, type Netns } from '../netlink/namespaces.ts';
import { removeNeighbour, setNeighbour } from '../netlink/neighbours.ts';
import type { NetlinkError } from '../netlink/netlink-socket.ts';
import { removeRoute, replaceRoute, routeProtocol } from '../netlink/routes.ts';
import type { RtRequest } from '../netlink/rt-request.ts';
import { type Rtnetlink, withRtnetlink } from '../netlink/rtnetlink.ts';
import { readSysctlHere, writeSysctlHere } from '../netlink/sysctl.ts';
import { type Driver, DriverError } from './driver.ts';
import { driverError } from './refusals.ts';
import { farEndOf, linkPrefix, type WiredLink, type Wiring, wiringOf } from './wiring.ts';
import { createWiringDriver, type WiringChange } from './wiring-driver.ts';

const name = 'wiring';

/** Of one namespace. Nothing is held open between two calls. */
export const linuxWiringDriver = (namespace: Netns): Driver<Wiring> =>
  createWiringDriver({
    name,
    look: (sysctls) => withRtnetlink(namespace, (rtnetlink) => look(rtnetlink, sysctls)),
    change: async (changes) => withRtnetlink(namespace, (rtnetlink) => change(rtnetlink, changes)),
  });

const isOurs = ({ protocol }: { protocol: number }) => protocol === routeProtocol;

function look(rtnetlink: Rtnetlink, sysctls: Iterable<string>): Wiring {
  const links = rtnetlink.links();
  return wiringOf({
    links: links.filter(isOurLink).map((link) => wiredLink(link, links)),
    addresses: rtnetlink.addresses().filter(isOurs).map((address) => ({ ...address, protocol: undefined })),
    routes: rtnetlink.routes().filter(isOurs).map((route) => ({ ...route, protocol: undefined })),
    neighbours: rtnetlink.neighbours().filter(isOurs).map(({ link, address, mac }) => ({ link, address, mac })),
    sysctls: inNamespace(rtnetlink.namespace, () => Object.fromEntries([...sysctls].map((key) => [key, sysctlHere(key)]))),
  });
}

const isOurLink = (link: Link) => link.name.startsWith(linkPrefix) && (link.kind === 'bridge' || link.kind === 'veth');

function wiredLink(link: Link, links: readonly Link[]): WiredLink {
  const master = links.find(({ index }) => index === link.master);
  return { name: link.name, kind: link.kind as WiredLink['kind'], mtu: link.mtu, mac: link.mac, master: master?.name };
}

function sysctlHere(key: string): string {
  try {
    return readSysctlHere(key);
  } catch (error) {
    throw new DriverError(name, `sysctl ${key}: ${(error as Error).message}`, `sysctl ${key}`);
  }
}

/** Removing what is gone has succeeded. */
const goneCodes = new Set(['ESRCH', 'ENODEV', 'ENOENT', 'EADDRNOTAVAIL']);

function change(rtnetlink: Rtnetlink, changes: readonly WiringChange[]): void {
  let pending: { request: RtRequest; mayBeGone: boolean }[] = [];
  const settle = () => {
    const answers: (NetlinkError | undefined)[] = rtnetlink.tryEach(pending.map(({ request }) => request));
    const refused = answers.find((answer, index) => answer && !(pending[index]!.mayBeGone && goneCodes.has(answer.code)));
    pending = [];
    if (refused) throw driverError(name, refused);
  };
  for (const each of changes) {
    if (each.what !== 'sysctl') pending.push(...requestsOf(each).map((request) => ({ request, mayBeGone: each.op === 'remove' })));
    else {
      // A setting of a link must find the link there.
      settle();
      inNamespace(rtnetlink.namespace, () => setSysctlHere(each.key, each.value));
    }
  }
  settle();
}

function setSysctlHere(key: string, value: string): void {
  try {
    writeSysctlHere(key, value);
  } catch (error) {
    throw new DriverError(name, `sysctl ${key}: ${(error as Error).message}`, `sysctl -w ${key}=${value}`);
  }
}

function requestsOf(each: Exclude<WiringChange, { what: 'sysctl' }>): RtRequest[] {
  const adds = each.op !== 'remove';
  switch (each.what) {
    case 'link':
      return each.op === 'remove' ? [deleteLink(each.value.name)] : linkRequests(each.value, each.op === 'add');
    case 'address':
      return [adds ? addAddress(each.value) : removeAddress(each.value)];
    case 'route':
      return [adds ? replaceRoute(each.value) : removeRoute(each.value)];
    case 'neighbour':
      return [adds ? setNeighbour(each.value) : removeNeighbour(each.value)];
  }
}

function linkRequests(wish: WiredLink, isNew: boolean): RtRequest[] {
  const { name: link, mtu, mac, master } = wish;
  const far = farEndOf(wish);
  const birth = far === undefined ? addBridge(link, mac) : addVeth({ name: link, mac, mtu }, { name: far, mtu });
  return [
    ...(isNew ? [birth] : []),
    setLink(link, { mtu, mac, master: master ?? (isNew ? undefined : null), up: true }),
    ...(far === undefined ? [] : [setLink(far, { mtu, up: true })]),
  ];
}
