// The third judge: the real kernel. Each line is sent for, from its source's namespace, as often as its random choices
// need, and whoever answers says who it is and as whom it saw the sender. All lines of a step are asked at once.
import { setMaxListeners } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import type { Protocol } from '../../../src/kube/objects/meta.ts';
import { keyOf } from '../../../src/kube/store/store.ts';
import type { Endpoint } from '../../../src/model/network-model.ts';
import { type PacketLine, type Probe, probeOf } from '../../scenarios/run/packet-lines.ts';
import type { Stage } from '../../scenarios/run/stage.ts';
import { type Answer, type Sending, sendTcp, sendUdp } from './probes.ts';
import { type RawProtocol, sendRaw } from './raw-probes.ts';
import { earOf, elsewhere, markOf, type Place, type RealWorld } from './real-world.ts';

export interface Question {
  readonly line: PacketLine;
  /** When all of these have been seen, it has been asked often enough. */
  readonly expected: ReadonlySet<string>;
}

/** Packets cross the namespaces before send() returns; this is for the answers to pass through this process. */
const SHORT_MS = 20;
const shortTurns = 3;
/** One repetition of a lost SYN is awaited before an answer that should have come is given up. */
const LONG_MS = 1500;
/** The chance to miss one of n equally likely answers in 12 rounds of 4n tries is below 10^-20. */
const triesPerAnswer = 4;
const rounds = 12;
/** Sticky clients are forgotten between rounds, so each round tells one thing. */
const stickyRounds = 40;

interface Asked extends Question {
  readonly probe: Probe;
  readonly sending: Sending;
  readonly seen: Set<string>;
}

/** The set of answers to each question, in the words of `packets:` lines. The world must be at the stage. */
export async function askKernel(world: RealWorld, stage: Stage, questions: readonly Question[]): Promise<ReadonlySet<string>[]> {
  await listenOn(world, portsOf(stage, questions));
  const asked = questions.map(({ line, expected }): Asked => {
    const probe = probeOf(line, stage);
    return { line, expected, probe, sending: sendingOf(world, stage, { line, probe, expected }), seen: new Set() };
  });
  const far = asked.filter(({ probe }) => probe.packet.protocol === 'UDP').map(({ sending }) => ({ address: sending.destination, port: sending.port }));
  for (const { address, port } of [...far, ...endpointsOf(stage, 'UDP')]) await world.places.get(elsewhere)!.listeners.listenAt(address, port);
  const isSticky = [...stage.models.values()].some(({ services }) => [...services.values()].some(({ stickySeconds }) => stickySeconds !== undefined));
  let open = asked;
  for (let round = 0; open.length > 0 && round < (isSticky ? stickyRounds : rounds); round++) {
    if (isSticky) await forgetClients(world, stage);
    await askOnce(world, stage, open.flatMap((each) => Array<Asked>(isSticky ? 1 : triesFor(each)).fill(each)));
    // What has been answered wrongly is lost already; to ask on would only cost time.
    open = open.filter(({ expected, seen }) => hasAll(expected, seen) && !hasAll(seen, expected));
  }
  return asked.map(({ seen }) => seen);
}

const sorted = (answers: ReadonlySet<string>): string => [...answers].sort().join(' | ');

/** Each line on which the kernel says something else than the line itself, with what it said. */
export async function kernelComplaints(world: RealWorld, stage: Stage, lines: readonly PacketLine[]): Promise<string[]> {
  const answers = await askKernel(world, stage, lines.map((line) => ({ line, expected: line.answers })));
  return lines.flatMap((line, index) => {
    const said = sorted(answers[index]!);
    return said === sorted(line.answers) ? [] : [`  ${line.text}\n    the kernel: ${said}`];
  });
}

const hasAll = (whole: ReadonlySet<string>, part: ReadonlySet<string>): boolean => [...part].every((answer) => whole.has(answer));

const triesFor = ({ expected }: Question): number => (expected.size === 1 ? 2 : triesPerAnswer * expected.size);

/** Whatever a packet may be led to, there is somebody to hear it, so that "refused" is always a ruleset's word. */
function portsOf(stage: Stage, questions: readonly Question[]): Set<number> {
  return new Set([...questions.map(({ line }) => line.port), ...endpointsOf(stage).map(({ port }) => port)].filter((port) => port > 0));
}

/** Of all Services and host ports, or those of one protocol. */
function endpointsOf({ models }: Stage, protocol?: Protocol): readonly Endpoint[] {
  const ports = [...models.values()].flatMap(({ services, hostPorts }) => [...services.values(), ...hostPorts.values()]);
  return ports.filter((port) => protocol === undefined || port.protocol === protocol).flatMap((port) => [...port.endpoints, ...(port.localEndpoints ?? [])]);
}

async function listenOn({ places }: RealWorld, ports: Set<number>): Promise<void> {
  await Promise.all([...places.values()].map(({ listeners }) => listeners.listen(ports)));
}

function senderOf({ places }: RealWorld, stage: Stage, { packet, from }: Probe): Place | undefined {
  const host = Object.entries(stage.hosts).find(([, { ips }]) => ips.includes(packet.source))?.[0] ?? '';
  const pod = from.type === 'pod' && (from.pod.namespace === 'default' ? from.pod.name : keyOf(from.pod.name, from.pod.namespace));
  const who = pod || (from.type === 'node' ? `node ${from.node}` : host);
  return places.get(who);
}

/** A pod that has ended has an address in its status, but nobody is there to send from it. */
export const canSend = (world: RealWorld, stage: Stage, line: PacketLine): boolean => senderOf(world, stage, probeOf(line, stage)) !== undefined;

/** Of a refusal only a connected socket hears. */
const hasAnswers = (expected: ReadonlySet<string>): boolean => !expected.has('rejected') && !expected.has('dropped');

function sendingOf(world: RealWorld, stage: Stage, { line, probe, expected }: Question & { probe: Probe }): Sending {
  const { packet } = probe;
  const sender = senderOf(world, stage, probe);
  if (!sender) throw new Error(`nobody is there to send: ${line.text}`);
  return {
    namespace: sender.namespace,
    source: packet.source,
    destination: packet.destination,
    port: packet.destinationPort,
    isAwaited: !expected.has('dropped'),
    ...(line.via === undefined ? {} : { mark: markOf(stage, line.via) }),
    ...(sender.cgroup === undefined ? {} : { cgroup: sender.cgroup, unconnected: hasAnswers(expected) }),
  };
}

async function askOnce(world: RealWorld, stage: Stage, asked: readonly Asked[]): Promise<void> {
  const of = (...protocols: string[]) => asked.filter(({ probe }) => protocols.includes(probe.packet.protocol));
  const note = (each: Asked, answer: Answer) => void each.seen.add(printAnswer(answer, each.probe, stage));
  const [soon, late] = [new AbortController(), new AbortController()];
  for (const { signal } of [soon, late]) setMaxListeners(0, signal);
  const streams = of('TCP', 'UDP').map(async (each) => {
    const send = each.probe.packet.protocol === 'TCP' ? sendTcp : sendUdp;
    note(each, await send(each.sending, (each.expected.has('dropped') ? soon : late).signal));
  });
  const timer = setTimeout(() => late.abort(), LONG_MS);
  for (const protocol of ['ICMP', 'SCTP'] as const) await askRaw(world, protocol, of(protocol), note);
  for (let turn = 0; turn < shortTurns; turn++) await wait(SHORT_MS);
  soon.abort();
  await Promise.all(streams);
  clearTimeout(timer);
}

async function askRaw({ places }: RealWorld, protocol: RawProtocol, asked: readonly Asked[], note: (each: Asked, answer: Answer) => void): Promise<void> {
  if (asked.length === 0) return;
  const ears = [...places.values()].map((place) => earOf(place, protocol));
  const answers = await sendRaw(protocol, asked.map(({ sending }) => sending), ears);
  for (const [index, answer] of answers.entries()) note(asked[index]!, answer);
}

/** A judge of its own must not take the model's word for anything but who sent the packet. */
function printAnswer(answer: Answer, { packet }: Probe, { models }: Stage): string {
  if (answer === 'refused') return 'rejected';
  if (answer === 'silence') return 'dropped';
  const { who, address, port, peer } = answer;
  const name = who === elsewhere ? (address ?? packet.destination) : who;
  const isNode = [...models.values()].some(({ self }) => self.ips.includes(peer));
  const hidden = peer === packet.source ? '' : isNode ? ' masqueraded' : ` masqueraded as ${peer}`;
  return `${name}${packet.protocol === 'ICMP' ? '' : `:${port}`}${hidden}`;
}

async function forgetClients({ nodes }: RealWorld, { models }: Stage): Promise<void> {
  await Promise.all([...nodes].map(([name, hands]) => hands.forgetClients(models.get(name)!)));
}
