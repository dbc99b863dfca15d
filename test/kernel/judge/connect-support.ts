// Whether this machine can balance when processes connect, and what that changes in what a receiver sees.
import { removeCgroup, removeCgroups, nodeCgroup } from '../../../src/node/bpf/cgroups.ts';
import { type ConnectFront, connectFronts } from '../../../src/node/bpf/render-connect.ts';
import { connectDriver } from '../../../src/node/bpf/connect-driver.ts';
import { type PacketLine, probeOf } from '../../scenarios/run/packet-lines.ts';
import type { Stage } from '../../scenarios/run/stage.ts';

/** The reason why it cannot, for the names of tests that are skipped. */
export async function whyNoConnectTime(): Promise<string | undefined> {
  const cluster = `try-${process.pid}`;
  try {
    const cgroup = nodeCgroup(cluster, 'node');
    if (cgroup === undefined) return 'no cgroup v2 hierarchy is mounted';
    const driver = connectDriver(cgroup);
    await driver.apply(new Map());
    await driver.remove();
    removeCgroup(cgroup);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    removeCgroups(cluster);
  }
}

function frontOf(line: PacketLine, stage: Stage): ConnectFront | undefined {
  const { packet, from } = probeOf(line, stage);
  if (from.type === 'outside') return undefined;
  const fronts = [...stage.models.get(from.node)!.services.values()].flatMap(connectFronts);
  return fronts.find(({ address, port, protocol }) => address === packet.destination && port === packet.destinationPort && protocol === packet.protocol);
}

/** Who connects to itself needs no other source address: no packet leaves its namespace. All else is as by nftables. */
export function answersByConnect(line: PacketLine, stage: Stage): ReadonlySet<string> {
  if (!frontOf(line, stage)) return line.answers;
  return new Set([...line.answers].map((answer) => (answer.startsWith(`${line.source}:`) ? answer.replace(/ masqueraded$/, '') : answer)));
}
