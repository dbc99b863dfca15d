// The language of `packets:` lines.
//
//   SOURCES -> TARGETS [udp|sctp|icmp] [v6] => ANSWER | ANSWER …
//   source   a pod (`client`, `x/a`), `node a`, or a machine outside (`outside`, `outside via b`)
//   target   a pod, a Service's cluster IP, `node a`, an address, `[address6]`; then `:port` (but for icmp)
//   answer   `web-1:8080`, `node a:80`, `outside:80` (then maybe `masqueraded`), `dropped`, `rejected`,
//            or `reached`: the target itself, with the source kept
// Several sources or targets are separated by commas and mean one line each.
import { canonicalAddress, familyOf, parseAddress } from '../../../src/base/net/address.ts';
import { serviceKind } from '../../../src/kube/kinds/service.ts';
import { podKind } from '../../../src/kube/kinds/pod.ts';
import type { Family } from '../../../src/kube/objects/meta.ts';
import type { From, Packet } from '../../../src/model/packet.ts';
import type { Stage } from './stage.ts';

/** One line for one source and one target, names not yet resolved. */
export interface PacketLine {
  readonly text: string;
  readonly source: string;
  readonly via?: string;
  readonly target: string;
  readonly port: number;
  readonly protocol: Packet['protocol'];
  readonly family: Family;
  readonly answers: ReadonlySet<string>;
}

export interface Probe {
  readonly packet: Packet;
  readonly from: From;
}

const listOf = (text: string): string[] => text.split(',').map((part) => part.trim());

export function parsePacketLine(text: string): PacketLine[] {
  const [, sources, targets, answers] = /^(.+?)\s+->\s+(.+?)(?:\s+=>\s+(.+))?$/.exec(text.trim()) ?? [];
  if (!sources || !targets) throw new Error(`not a packet line: ${text}`);
  const words = targets.split(/\s+/);
  const isFlag = (word: string): boolean => ['udp', 'tcp', 'sctp', 'icmp', 'v6'].includes(word);
  const flags = words.filter(isFlag);
  const protocol = (flags.find((flag) => flag !== 'v6') ?? 'tcp').toUpperCase() as Packet['protocol'];
  return listOf(sources).flatMap((source) =>
    listOf(words.filter((word) => !isFlag(word)).join(' ')).map((target) => oneLine(source, target, { protocol, v6: flags.includes('v6'), answers: answers ?? '' })),
  );
}

function oneLine(from: string, to: string, known: { protocol: Packet['protocol']; v6: boolean; answers: string }): PacketLine {
  const { protocol, v6 } = known;
  const [source = '', via] = from.split(' via ');
  const { target, port } = hostAndPort(to);
  const family = parseAddress(target)?.family ?? (v6 ? 6 : 4);
  const answers = readAnswers(known.answers, protocol === 'ICMP' ? target : `${target}:${port}`);
  const flags = [protocol === 'TCP' ? '' : ` ${protocol.toLowerCase()}`, v6 ? ' v6' : ''].join('');
  const text = `${from} -> ${to}${flags}${known.answers ? ` => ${known.answers}` : ''}`;
  return { text, source, ...(via ? { via } : {}), target, port, protocol, family, answers };
}

/** `web:80`, `[fd00::1]:80`, `web`; a bare IPv6 address has no port. */
function hostAndPort(text: string): { target: string; port: number } {
  const [, bracketed, plain, port = '0'] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  return { target: bracketed ?? plain ?? text, port: Number(port) };
}

const readAnswers = (text: string, target: string): ReadonlySet<string> => {
  const answers = text.split('|').map((answer) => answer.trim().replace(/\s+/g, ' '));
  return new Set(answers.filter(Boolean).map((answer) => (answer === 'reached' ? target : answer)));
};

export function probeOf(line: PacketLine, stage: Stage): Probe {
  const { family, protocol, port } = line;
  const destination = targetAddress(line, stage);
  const { from, source } = sourceOf(line, destination, stage);
  return { packet: { family, protocol, source, sourcePort: 40_000, destination, destinationPort: protocol === 'ICMP' ? 0 : port }, from };
}

const split = (name: string): [name: string, namespace: string] => {
  const [first = '', second] = name.split('/');
  return second === undefined ? [first, 'default'] : [second, first];
};

const pick = (ips: readonly string[], family: Family, what: string): string => {
  const ip = ips.find((address) => familyOf(address) === family);
  if (!ip) throw new Error(`${what} has no IPv${family} address`);
  return ip;
};

function addressesOf(name: string, stage: Stage): readonly string[] | undefined {
  if (name.startsWith('node ')) return stage.models.get(name.slice(5))?.self.ips;
  const pod = stage.snapshot.get(podKind, ...split(name));
  if (pod) return pod.status?.podIPs?.map(({ ip }) => ip) ?? [];
  return stage.hosts[name]?.ips;
}

function targetAddress({ target, family }: PacketLine, stage: Stage): string {
  // On the wire an address has no spelling.
  const address = canonicalAddress(target);
  if (address) return address;
  const own = addressesOf(target, stage);
  const virtual = stage.snapshot.get(serviceKind, ...split(target))?.spec.clusterIPs;
  if (own && virtual) throw new Error(`${target} is a Service and something else too: give one of them another name`);
  const ips = own ?? virtual;
  if (!ips) throw new Error(`nobody is called ${target}`);
  return pick(ips, family, target);
}

function sourceOf({ source, via, family }: PacketLine, destination: string, stage: Stage): { from: From; source: string } {
  const ips = addressesOf(source, stage);
  if (!ips) throw new Error(`nobody is called ${source}`);
  const address = pick(ips, family, source);
  if (source.startsWith('node ')) return { from: { type: 'node', node: source.slice(5) }, source: address };
  const [name, namespace] = split(source);
  const pod = stage.snapshot.get(podKind, name, namespace);
  if (!pod) return { from: { type: 'outside', arrivesAt: via ?? arrival(destination, stage.hosts[source]?.routed === true, stage) }, source: address };
  const node = pod.spec.nodeName ?? '';
  // A process of a host-network pod is a process of its node (NP-40).
  return { from: pod.spec.hostNetwork ? { type: 'node', node } : { type: 'pod', pod: { kind: 'Pod', namespace, name }, node }, source: address };
}

/** Where a packet from outside enters: at the address' owner; '' where no router out there would know the way. */
function arrival(destination: string, routed: boolean, { models, world }: Stage): string {
  const owner = world.nodes.get(destination) ?? [...models.values()].find(({ self }) => self.announces.includes(destination))?.self.name;
  return owner ?? (routed ? (world.pods.get(destination)?.node ?? '') : '');
}
