// Event: its names and rules.
import type { Event } from '../objects/core.ts';
import type { Kind } from './kind.ts';

export const eventKind: Kind<Event> = {
  apiVersion: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  namespaced: true,
  columns: [],
};
