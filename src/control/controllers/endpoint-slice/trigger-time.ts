// When the change that a slice reports began: what monitoring subtracts from "now" (ESL-36).
import { findCondition } from '../../../kube/meaning/conditions.ts';
import type { Pod, Service } from '../../../kube/objects/core.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';

export const triggerNote = 'endpoints.kubernetes.io/last-change-trigger-time';

/**
 * The earliest change of pod or Service that none of these objects has reported yet; undefined when there is none.
 * The first report is of the Service itself: that its pods were ready long before is no delay.
 */
export function triggerTime(service: Service, pods: readonly Pod[], reports: readonly KubeObject[]): string | undefined {
  const reported = reports.flatMap(({ metadata }) => metadata.annotations?.[triggerNote] ?? []);
  const { creationTimestamp } = service.metadata;
  if (reported.length === 0 && creationTimestamp) return creationTimestamp;
  const last = reported.reduce((latest, time) => (time > latest ? time : latest), '');
  const changes = [creationTimestamp, ...pods.map(({ status }) => findCondition(status?.conditions, 'Ready')?.lastTransitionTime)];
  return changes.filter((time) => time !== undefined).filter((time) => time > last).toSorted()[0];
}
