// Events are kept for an hour after they were last seen. Swept now and then: nobody waits for it.
import { eventKind } from '../../kube/kinds/event.ts';
import type { Event } from '../../kube/objects/core.ts';
import type { Controller } from './controller.ts';
import { remove } from './writes.ts';

const keptMs = 3_600_000;
const sweepEveryMs = 60_000;

const lastSeenMs = ({ metadata, series, lastTimestamp, eventTime }: Event): number =>
  Date.parse(series?.lastObservedTime ?? lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '');

export const eventExpiry: Controller = {
  name: 'event-expiry',
  // Not woken by events: there are many, and time alone decides.
  reads: [],
  decide: (seen, now) =>
    seen.list(eventKind).filter((event) => lastSeenMs(event) + keptMs <= now.getTime()).map((event) => remove(event)),
  wakeAfterMs: () => sweepEveryMs,
};
