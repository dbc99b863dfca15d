// Keeps UDP honest: when the endpoints behind an address change, entries that still lead to an old one are forgotten.
// TCP needs no such help, because a dead endpoint ends its own connections. Runs after the ruleset: an entry that is
// forgotten earlier would come back by the old rules.
import { deleteFlows, type Flow } from '../netlink/conntrack.ts';
import type { Netns } from '../netlink/namespaces.ts';
import type { Applied, Driver } from './driver.ts';
import { driverError } from './refusals.ts';
import { flowKey, type FlowTargets, type FlowWishes } from './wiring.ts';

const numbers = { UDP: 17, SCTP: 132 } as const;

/** The address that a connection was made to, as a key of wishes. */
function keyOfFlow({ protocol, original }: Flow): string | undefined {
  const name = protocol === numbers.UDP ? 'UDP' : protocol === numbers.SCTP ? 'SCTP' : undefined;
  return name && flowKey({ protocol: name, address: original.destination, port: original.destinationPort });
}

const leadsTo = ({ reply }: Flow, targets: FlowTargets): boolean =>
  targets.endpoints.some(({ address, port }) => address === reply.source && port === reply.sourcePort);

/** Addresses whose targets changed, came or went: their connections may be wrong. */
function suspects(old: FlowWishes | undefined, now: FlowWishes): Set<string> {
  const changed = [...now].filter(([key, targets]) => old?.get(key) !== targets).map(([key]) => key);
  const gone = [...(old?.keys() ?? [])].filter((key) => !now.has(key));
  return new Set([...changed, ...gone]);
}

export function conntrackDriver(namespace: Netns): Driver<FlowWishes> {
  let settled: FlowWishes | undefined;
  return {
    name: 'conntrack',
    async apply(desired): Promise<Applied> {
      const start = performance.now();
      const doubtful = suspects(settled, desired);
      const isStale = (flow: Flow): boolean => {
        const key = keyOfFlow(flow);
        if (key === undefined || !doubtful.has(key)) return false;
        const targets = desired.get(key);
        return !targets || !leadsTo(flow, targets);
      };
      try {
        const changes = doubtful.size === 0 ? 0 : deleteFlows(namespace, isStale);
        settled = desired;
        return { changes, tookMs: performance.now() - start };
      } catch (error) {
        throw driverError('conntrack', error);
      }
    },
    /** Entries die by themselves; nothing of ours is in them. */
    async remove() {
      settled = undefined;
    },
  };
}
