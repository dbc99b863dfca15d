// An answer in the words of `packets:` lines: the same for all judges.
import type { Trace } from '../../../src/model/packet.ts';
import type { Stage } from './stage.ts';

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
