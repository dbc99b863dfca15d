// POST pods/x/binding: the scheduler's decision. A pod is bound once.
import { badRequest, conflictError, notFoundError } from '../../../kube/meaning/api-error.ts';
import { timestamp } from '../../../kube/meaning/conditions.ts';
import type { Pod } from '../../../kube/objects/core.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import { type Api, seenObject } from '../api.ts';
import type { Answer, ApiRequest } from '../request.ts';
import type { Target } from '../router.ts';
import { successAnswer } from '../wire/answers.ts';
import { decodeBody, typedAs } from '../wire/decode.ts';
import { readWriteOptions } from './write-options.ts';

type Binding = KubeObject & { target?: { kind?: string; name?: string } };

export async function bindPod(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const { dryRun } = readWriteOptions(request, 'CreateOptions');
  const { value } = await decodeBody(request, 'Binding');
  const { target: to } = typedAs(value, 'v1', 'Binding') as Binding;
  if (!to?.name || (to.kind && to.kind !== 'Node')) throw badRequest('target.name: Required value: a node must be named');
  const { resource, name = '' } = target;
  const pod = seenObject(api.store.snapshot(), target) as Pod | undefined;
  if (!pod) throw notFoundError(resource.kind, name);
  if (pod.spec.nodeName) {
    const bindings = { ...resource.kind, plural: 'pods/binding' };
    throw conflictError(bindings, name, `pod ${name} is already assigned to node "${pod.spec.nodeName}"`);
  }
  await api.store.write({ verb: 'update', object: boundTo(pod, to.name, api.now()), subresource: 'binding', dryRun });
  return successAnswer(undefined, 201);
}

function boundTo(pod: Pod, nodeName: string, now: Date): Pod {
  const lastTransitionTime = timestamp(now);
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  const scheduled = { type: 'PodScheduled', status: 'True' as const, lastTransitionTime };
  return { ...pod, spec: { ...pod.spec, nodeName }, status: { ...pod.status, conditions: [...others, scheduled] } } as Pod;
}
