// POST pods/x/eviction: a delete that asks first. No budgets are kept yet, so it always may.
import { notFoundError } from '../../../kube/meaning/api-error.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import { type Api, seenObject } from '../api.ts';
import type { Answer, ApiRequest } from '../request.ts';
import type { Target } from '../router.ts';
import { successAnswer } from '../wire/answers.ts';
import { decodeBody } from '../wire/decode.ts';
import { checkDeleteOptions, removeObject } from './delete.ts';

type Eviction = Partial<KubeObject> & { deleteOptions?: Record<string, unknown> };

export async function evictPod(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const { deleteOptions = {} } = (await decodeBody(request, 'Eviction')).value as Eviction;
  const dryRun = [...request.query.getAll('dryRun'), ...((deleteOptions['dryRun'] as string[] | undefined) ?? [])];
  const pod = seenObject(api.store.snapshot(), target);
  if (!pod) throw notFoundError(target.resource.kind, target.name!);
  await removeObject(api, target.resource, pod, checkDeleteOptions(deleteOptions, dryRun));
  return successAnswer(undefined, 201);
}
