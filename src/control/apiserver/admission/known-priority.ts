// A pod that names a PriorityClass gets its value; one that names none gets the cluster's default class, if there is one.
import { forbiddenError } from '../../../kube/meaning/api-error.ts';
import type { PriorityClass } from '../../../kube/objects/batch.ts';
import type { Pod } from '../../../kube/objects/core.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Admission } from './admission.ts';

/** Known without an object; their values are among the kind's defaults. */
const builtIn = new Set(['system-node-critical', 'system-cluster-critical']);

export function ofKnownPriority(object: KubeObject, { registry, seen }: Admission): KubeObject {
  if (object.kind !== 'Pod' || object.apiVersion !== 'v1') return object;
  const pod = object as Pod;
  const { priorityClassName: name } = pod.spec ?? {};
  const classes = registry.find('scheduling.k8s.io/v1', 'priorityclasses');
  if (!classes || (name && builtIn.has(name))) return pod;
  const found = name ? (seen.get(classes.stored, name) as PriorityClass | undefined) : defaultOf(seen.list(classes.stored) as readonly PriorityClass[]);
  if (name && !found) {
    throw forbiddenError({ apiVersion: 'v1', kind: 'Pod', plural: 'pods' }, pod.metadata.name, `no PriorityClass with name ${name} was found`);
  }
  if (!found) return pod;
  const { value: priority, preemptionPolicy, metadata } = found;
  return { ...pod, spec: { ...pod.spec, priorityClassName: metadata.name, priority, ...(preemptionPolicy && { preemptionPolicy }) } } as Pod;
}

/** Of several the lowest, so that nobody is raised by mistake. */
const defaultOf = (classes: readonly PriorityClass[]): PriorityClass | undefined =>
  classes.filter(({ globalDefault }) => globalDefault).toSorted((a, b) => a.value - b.value)[0];
