// When the change that a slice reports began: what monitoring subtracts from "now" (ESL-36).
import { findCondition } from '../../../kube/meaning/conditions.ts';
import type { Pod, Service } from '../../../kube/objects/core.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';

export const triggerNote = 'endpoints.kubernetes.io/last-change-trigger-time';

/** The earliest change of pod or Service that none of these objects has reported yet; undefined when there is none. */
export function triggerTime(service: Service, pods: readonly Pod[], reports: readonly KubeObject[]): string | undefined {
  const reported = reports.flatMap(({ metadata }) => metadata.annotations?.[triggerNote] ?? []);
  const last = reported.reduce((latest, time) => (time > latest ? time : latest), '');
  const changes = [service.metadata.creationTimestamp, ...pods.map(({ status }) => findCondition(status?.conditions, 'Ready')?.lastTransitionTime)];
  return changes.filter((time) => time !== undefined).filter((time) => time > last).toSorted()[0];
}
