// Events about pods and nodes: what `kubectl describe` shows at its end. The same thing again raises a count.
// Losing one is harmless, so nothing waits for them and nothing is retried.
import type { Clock } from '../../base/run/clock.ts';
import { logFor } from '../../base/run/log.ts';
import type { Event, ObjectReference } from '../../kube/objects/core.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import type { ObjectStore } from '../../kube/store/store.ts';
import { printTime } from './pod-state.ts';

export interface EventNote {
  about: KubeObject;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  /** `spec.containers{web}`. */
  fieldPath?: string;
}

export type RecordEvent = (note: EventNote) => void;

const log = logFor('events');
const mostRemembered = 1000;

const referenceTo = ({ apiVersion, kind, metadata }: KubeObject, fieldPath?: string): ObjectReference => ({
  apiVersion,
  kind,
  name: metadata.name,
  ...(metadata.namespace && { namespace: metadata.namespace }),
  ...(metadata.uid && { uid: metadata.uid }),
  ...(metadata.resourceVersion && { resourceVersion: metadata.resourceVersion }),
  ...(fieldPath && { fieldPath }),
});

export function createEventRecorder(store: Pick<ObjectStore, 'write'>, host: string, clock: Clock): RecordEvent {
  const known = new Map<string, Event>();
  let sequence = 0;

  function nameFor(note: EventNote): string {
    const stamp = BigInt(clock.now().getTime()) * 1_000_000n + BigInt(sequence++ % 1_000_000);
    return `${note.about.metadata.name}.${stamp.toString(16)}`;
  }

  function firstEvent(note: EventNote, time: string): Event {
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: nameFor(note), namespace: note.about.metadata.namespace ?? 'default' },
      involvedObject: referenceTo(note.about, note.fieldPath),
      reason: note.reason,
      message: note.message,
      type: note.type,
      source: { component: 'kubelet', host },
      reportingComponent: 'kubelet',
      reportingInstance: host,
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    };
  }

  function remember(key: string, event: Event): void {
    known.delete(key);
    known.set(key, event);
    if (known.size > mostRemembered) known.delete(known.keys().next().value!);
  }

  return (note) => {
    const { uid, name } = note.about.metadata;
    const key = [uid ?? name, note.fieldPath, note.type, note.reason, note.message].join('\n');
    const time = printTime(clock.now());
    const before = known.get(key);
    const event = before ? { ...before, count: (before.count ?? 1) + 1, lastTimestamp: time } : firstEvent(note, time);
    remember(key, event);
    store.write({ verb: before ? 'update' : 'create', object: event }).catch((error: unknown) => {
      // The namespace may be going away, or the event may have expired: the next one begins a new count.
      known.delete(key);
      log.debug({ err: error, reason: note.reason }, 'event not recorded');
    });
  };
}
