// Keeps UDP honest: when the endpoints behind an address change, entries that still lead to an old one are forgotten.
// TCP is left alone: streams to endpoints that left go on until these end them. (A connection that nobody answers, because
// its node is lost, keeps its way until its two minutes are over.) Runs after the ruleset: an entry that is
// forgotten earlier would come back by the old rules.
import { keyedDiff } from '../../base/data/keyed-diff.ts';
import { familyOf } from '../../base/net/address.ts';
import type { Family } from '../../kube/objects/meta.ts';
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

const isAmong = (targets: FlowTargets, endpoint: FlowTargets['endpoints'][number]): boolean =>
  targets.endpoints.some(({ address, port }) => address === endpoint.address && port === endpoint.port);

const leadsTo = ({ reply }: Flow, targets: FlowTargets): boolean => isAmong(targets, { address: reply.source, port: reply.sourcePort });

/** Endpoints came beside those that were there: no entry leads wrong. (Before the first endpoint anything may have been remembered.) */
const hasOnlyGrown = (was: FlowTargets, is: FlowTargets): boolean => was.endpoints.length > 0 && was.endpoints.every((endpoint) => isAmong(is, endpoint));

/** Targets, by key, whose connections may be wrong: they changed, came or went. */
function suspects(old: FlowWishes, now: FlowWishes): ReadonlyMap<string, FlowTargets> {
  const { added, changed, removed } = keyedDiff(old, now);
  return new Map([...added, ...changed.flatMap(([key, is, was]) => (hasOnlyGrown(was, is) ? [] : [[key, is] as const])), ...removed]);
}

const familiesOf = (targets: Iterable<FlowTargets>): Set<Family> => new Set([...targets].map(({ address }) => familyOf(address)));

export function conntrackDriver(namespace: Netns): Driver<FlowWishes> {
  let settled: FlowWishes = new Map();
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
        const changes = deleteFlows(namespace, familiesOf(doubtful.values()), isStale);
        settled = desired;
        return { changes, tookMs: performance.now() - start };
      } catch (error) {
        throw driverError('conntrack', error);
      }
    },
    /** Entries die by themselves; nothing of ours is in them. */
    async remove() {
      settled = new Map();
    },
  };
}
