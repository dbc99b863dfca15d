// A pod as its owner's template describes it.
import { controllerReference } from '../../../kube/meaning/owner-references.ts';
import type { Pod, PodSpec, PodTemplateSpec } from '../../../kube/objects/core.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';

export interface PodParts {
  name: string;
  generateName?: string;
  labels?: Readonly<Record<string, string>>;
  spec?: Partial<PodSpec>;
}

export function podFromTemplate(owner: KubeObject, template: PodTemplateSpec, parts: PodParts): Pod {
  const { annotations, labels, finalizers } = template.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: parts.name,
      ...(parts.generateName && { generateName: parts.generateName }),
      namespace: owner.metadata.namespace!,
      labels: { ...labels, ...parts.labels },
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [controllerReference(owner)],
    },
    spec: { ...template.spec, ...parts.spec },
  };
}
