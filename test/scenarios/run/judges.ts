// Who is asked what becomes of a packet. All judges must give the same set of answers.
// A judge that needs the kernel, or another reading of the model, is one more entry in `judges`.
import type { Outcome, Trace } from '../../../src/model/packet.ts';
import { trace } from '../../../src/model/trace.ts';
import type { Probe } from './packet-lines.ts';
import type { Stage } from './stage.ts';

export interface Judge {
  readonly name: string;
  /** Every possible answer, in the words of `packets:` lines. */
  ask(stage: Stage, probe: Probe): Promise<ReadonlySet<string>>;
}

/** An answer in the words of scenarios. Whoever sends cannot tell a packet without a way from a dropped one. */
export function printAnswer({ verdict, to, masqueraded, hops }: Trace, stage: Stage): string {
  if (verdict === 'rejected') return 'rejected';
  const last = hops.at(-1);
  if (verdict !== 'delivered' || !to || !last) return 'dropped';
  const { destinationPort, protocol } = last.packet;
  const port = protocol === 'ICMP' ? '' : `:${destinationPort}`;
  return `${printReceiver(to, stage)}${port}${masqueraded ? ' masqueraded' : ''}`;
}

function printReceiver(to: NonNullable<Trace['to']>, { hosts }: Stage): string {
  if (to.kind === 'Pod') return to.namespace === 'default' ? to.name : `${to.namespace}/${to.name}`;
  if (to.kind === 'Node') return `node ${to.name}`;
  return Object.entries(hosts).find(([, { ips }]) => ips.includes(to.name))?.[0] ?? to.name;
}

export const outcomesOf = (stage: Stage, { packet, from }: Probe): readonly Outcome[] => trace(packet, from, stage.models, stage.world);

export const modelJudge: Judge = {
  name: 'model',
  ask: async (stage, probe) => new Set(outcomesOf(stage, probe).map((outcome) => printAnswer(outcome.trace, stage))),
};

export const judges: readonly Judge[] = [modelJudge];
