// GET of one object, also through …/status (the same object).
import { notFoundError } from '../../../kube/meaning/api-error.ts';
import { type Api, seenObject } from '../api.ts';
import type { Answer, ApiRequest } from '../request.ts';
import type { Target } from '../router.ts';
import { objectAnswer } from '../wire/answers.ts';
import { reachVersion, readVersion } from './resource-version.ts';

/** `resourceVersion` means: not older than it. Throws ApiError 404, 504. */
export async function getObject(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const asked = readVersion(request.query.get('resourceVersion'));
  const seen = asked ? await reachVersion(api, asked, request.stop) : api.store.snapshot();
  const stored = seenObject(seen, target);
  if (!stored) throw notFoundError(target.resource.kind, target.name ?? '');
  return objectAnswer(request, target.resource, { stored, now: api.now() });
}
