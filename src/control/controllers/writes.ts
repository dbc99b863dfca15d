// How controllers phrase their wishes: one small function per verb, and events with names that repeat themselves.
import { deepEqual } from '../../base/data/memo.ts';
import { timestamp } from '../../kube/meaning/conditions.ts';
import type { Event } from '../../kube/objects/core.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import type { Write } from '../../kube/store/store.ts';
import { hashText } from './hash.ts';

export const create = (object: KubeObject): Write => ({ verb: 'create', object });

/** Conditional: the object seen carries its resourceVersion. */
export const update = (object: KubeObject): Write => ({ verb: 'update', object });

/** Exactly the object that was seen, never a later one of the same name. */
export function remove(object: KubeObject, how: { gracePeriodSeconds?: number; propagationPolicy?: 'Foreground' | 'Background' | 'Orphan' } = {}): Write {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace, uid } = metadata;
  return { verb: 'delete', target: { apiVersion, kind, name, ...(namespace && { namespace }), ...(uid && { uid }) }, ...how };
}

type WithStatus = KubeObject & { status?: object };

/** The object's status as it should be, if it is not so already. Annotations may travel with it. */
export function updateStatus<T extends WithStatus>(object: T, status: NonNullable<T['status']>, annotations = object.metadata.annotations): Write[] {
  if (deepEqual(object.status ?? {}, status) && deepEqual(object.metadata.annotations ?? {}, annotations ?? {})) return [];
  const metadata = { ...object.metadata, ...(annotations && { annotations }) };
  return [{ verb: 'update', object: { ...object, metadata, status } as KubeObject, subresource: 'status' }];
}

export interface EventNote {
  about: KubeObject;
  type?: 'Normal' | 'Warning';
  reason: string;
  message: string;
  component: string;
}

/** The same note has the same name: a controller that says it again is refused, which the runner takes for a race. */
export function eventName({ about, reason, message }: EventNote): string {
  const { name, uid } = about.metadata;
  const said = [about.kind, uid ?? name, reason, message].join('\n');
  return `${name}.${hashText(said).toString(16).padStart(8, '0')}${hashText(`${said}\n`).toString(16).padStart(8, '0')}`;
}

export function createEvent(note: EventNote, now: Date): Write {
  const { about, type = 'Normal', reason, message, component } = note;
  const { name, namespace, uid, resourceVersion } = about.metadata;
  const time = timestamp(now);
  const event: Event = {
    apiVersion: 'v1',
    kind: 'Event',
    // Events about cluster-scoped objects live in `default`.
    metadata: { name: eventName(note), namespace: namespace ?? 'default' },
    involvedObject: { apiVersion: about.apiVersion, kind: about.kind, name, ...(namespace && { namespace }), ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) },
    reason,
    message,
    type,
    source: { component },
    reportingComponent: component,
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  };
  return create(event);
}


/** Drops keys that are undefined, so that stored objects have no holes. */
export const withoutAbsent = <T extends object>(record: T): T =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;
