// How stored kinds are served a second time: under another group, in another version, with other field names.
import type { Kind } from '../../../kube/kinds/kind.ts';
import type { View } from '../registry.ts';
import { autoscalingV1View } from './autoscaling-v1.ts';
import { eventsView } from './events.ts';
import { furtherVersions } from './further-versions.ts';

const particular: readonly (readonly [apiVersion: string, kind: string, view: (stored: Kind) => View])[] = [
  ['v1', 'Event', eventsView],
  ['autoscaling/v2', 'HorizontalPodAutoscaler', autoscalingV1View],
];

/** Of those kinds that are among the served. */
export function viewsOf(kinds: readonly Kind[]): View[] {
  const found = particular.flatMap(([apiVersion, name, view]) => kinds.filter((kind) => kind.apiVersion === apiVersion && kind.kind === name).map(view));
  return [...found, ...furtherVersions(kinds)];
}
