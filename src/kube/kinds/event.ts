// Event: what happened to an object, for people. Kept for an hour.
import { printAge } from '../../base/text/duration.ts';
import { type FieldError, invalid } from '../meaning/field-error.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { Event } from '../objects/core.ts';
import { nameColumn } from './columns.ts';
import type { Column, Kind } from './kind.ts';

const lastSeen = (event: Event): string | null | undefined => event.series?.lastObservedTime ?? event.lastTimestamp ?? event.eventTime;
const firstSeen = (event: Event): string | null | undefined => event.firstTimestamp ?? event.eventTime;

const source = ({ source: from, reportingComponent, reportingInstance }: Event): string =>
  [from?.component || reportingComponent, from?.host || reportingInstance].filter(Boolean).join(', ');

const columns: readonly Column<Event>[] = [
  { name: 'Last Seen', type: 'string', cell: (event, now) => printAge(lastSeen(event), now) },
  { name: 'Type', type: 'string', cell: ({ type }) => type ?? '' },
  { name: 'Reason', type: 'string', cell: ({ reason }) => reason ?? '' },
  { name: 'Object', type: 'string', cell: ({ involvedObject: about }) => `${(about?.kind ?? '').toLowerCase()}/${about?.name ?? ''}` },
  { name: 'Subobject', type: 'string', wide: true, cell: ({ involvedObject }) => involvedObject?.fieldPath ?? '' },
  { name: 'Source', type: 'string', wide: true, cell: source },
  { name: 'Message', type: 'string', cell: ({ message }) => (message ?? '').trim() },
  { name: 'First Seen', type: 'string', wide: true, cell: (event, now) => printAge(firstSeen(event), now) },
  { name: 'Count', type: 'string', wide: true, cell: ({ series, count }) => series?.count || count || 1 },
  { ...nameColumn, wide: true },
];

/** Events about cluster-scoped objects live in `default`. */
function validateAbout({ metadata, involvedObject }: Event): FieldError[] {
  const about = involvedObject?.namespace ?? '';
  const fits = about === '' ? metadata.namespace === 'default' || !metadata.namespace : about === metadata.namespace;
  return fits ? [] : [invalid('involvedObject.namespace', about, 'does not match event.namespace')];
}

const about = (field: 'kind' | 'namespace' | 'name' | 'uid' | 'apiVersion' | 'resourceVersion' | 'fieldPath') => (event: Event) =>
  event.involvedObject?.[field] ?? '';

export const eventKind: Kind<Event> = {
  apiVersion: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  createsOnUpdate: true,
  columns,
  fieldSelectors: {
    'involvedObject.kind': about('kind'),
    'involvedObject.namespace': about('namespace'),
    'involvedObject.name': about('name'),
    'involvedObject.uid': about('uid'),
    'involvedObject.apiVersion': about('apiVersion'),
    'involvedObject.resourceVersion': about('resourceVersion'),
    'involvedObject.fieldPath': about('fieldPath'),
    reason: ({ reason }) => reason ?? '',
    reportingComponent: ({ reportingComponent, source: from }) => reportingComponent || from?.component || '',
    source: ({ source: from, reportingComponent }) => from?.component || reportingComponent || '',
    type: ({ type }) => type ?? '',
  },
  validate: (event, old) => [...validateObjectMeta(event, { namespaced: true }, old), ...validateAbout(event)],
};
