// Who owns which pods, and which nobody owns: grouped once a snapshot, shared by all controllers of pods.
import { controllerOf } from '../../../kube/meaning/owner-references.ts';
import type { Pod } from '../../../kube/objects/core.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import { groupKeeping } from '../keep-lists.ts';

/** By the uid of the managing owner. */
export const podsByController = groupKeeping((pod: Pod) => controllerOf(pod)?.uid);

/** Pods without a managing owner, by namespace: those that a selector may adopt. */
export const orphanPods = groupKeeping((pod: Pod) => (controllerOf(pod) ? undefined : pod.metadata.namespace));

export const podsByNode = groupKeeping((pod: Pod) => pod.spec.nodeName);

/** A grouping of the same sort for one kind of owned object; each controller has its own. */
export const byController = <T extends KubeObject>() => groupKeeping((object: T) => controllerOf(object)?.uid);
export const orphansOf = <T extends KubeObject>() => groupKeeping((object: T) => (controllerOf(object) ? undefined : object.metadata.namespace));
