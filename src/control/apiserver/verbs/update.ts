// UPDATE: PUT on an object or its status.
import { ApiError, notFoundError } from '../../../kube/meaning/api-error.ts';
import { refuseEscalation } from '../identity/rbac/escalation.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import { changeByPolicies } from '../admission/mutating-policies.ts';
import { obeyPolicies } from '../admission/policies.ts';
import { type Api, seenObject } from '../api.ts';
import type { Answer, ApiRequest } from '../request.ts';
import type { Target } from '../router.ts';
import { objectAnswer } from '../wire/answers.ts';
import { ownedAfterAdmission, ownerOf } from '../wire/codecs.ts';
import { storeNew } from './create.ts';
import { decodeObject } from './decode-object.ts';
import { readWriteOptions, type WriteOptions } from './write-options.ts';

export type WriteSubresource = 'status' | 'finalize';

/** Throws ApiError 400, 404 (unless the kind is created by PUT), 409, 422. */
export async function updateObject(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const options = readWriteOptions(request, 'UpdateOptions');
  const wished = await decodeObject(request, target, options);
  const subresource = target.subresource as WriteSubresource | undefined;
  const { resource } = target;
  if (!seenObject(api.store.snapshot(), target)) {
    if (!resource.kind.createsOnUpdate || subresource) throw notFoundError(resource.kind, target.name!);
    const object = { ...wished, metadata: { ...wished.metadata, resourceVersion: undefined } };
    const stored = await storeNew(api, request, { target, object, options });
    return objectAnswer(request, resource, { stored, now: api.now(), code: 201 });
  }
  const { metadata: { resourceVersion } } = wished;
  const stored = await rewrite(api, request, { target, options, subresource, retries: !resourceVersion, next: () => wished });
  return objectAnswer(request, resource, { stored, now: api.now() });
}

interface Rewrite {
  target: Target;
  options: WriteOptions;
  subresource?: WriteSubresource;
  /** Decide again when another write came between; false where the client named the version it means. */
  retries: boolean;
  /** The wished object, as served, given the object as served. */
  next(current: KubeObject): KubeObject;
  /** `next` has already settled who owns which field. */
  owned?: boolean;
}

const conflictTries = 8;

/** Reads, decides, writes on condition that nothing changed between. */
export async function rewrite(api: Api, request: ApiRequest, change: Rewrite): Promise<KubeObject> {
  for (let tried = 1; ; tried += 1) {
    const { target } = change;
    const old = seenObject(api.store.snapshot(), target);
    if (!old) throw notFoundError(target.resource.kind, target.name!);
    try {
      return await writeOnce(api, request, { ...change, old });
    } catch (error) {
      const conflict = error instanceof ApiError && error.reason === 'Conflict';
      if (!conflict || !change.retries || tried === conflictTries) throw error;
    }
  }
}

/** One try: owners are settled on the object as stored, the write is pinned to the version that was read. */
async function writeOnce(api: Api, request: ApiRequest, { target, options, subresource, retries, next, owned, old }: Rewrite & { old: KubeObject }) {
  const { resource } = target;
  const asked = resource.toStored(next(resource.fromStored(old)));
  refuseEscalation({ user: request.user, kind: resource.stored, object: asked, authorize: api.authorize, seen: api.store.snapshot() });
  const seenByPolicies = { object: resource.fromStored(resource.stored.setDefaults?.(asked) ?? asked), old: resource.fromStored(old) };
  const write = { operation: 'UPDATE' as const, resource, ...(subresource && { subresource }), ...seenByPolicies, dryRun: options.dryRun };
  const changed = changeByPolicies(api, request, write);
  obeyPolicies(api, request, { ...write, object: changed });
  const wished = changed === write.object ? asked : resource.toStored(changed);
  const owner = ownerOf(resource, options.manager, { now: api.now(), subresource });
  const object = ownedAfterAdmission(old, { asked, wished, ...(owned && { settled: true }) }, owner);
  // The kind's own rule on unconditional updates must still see that the client gave no version.
  const pinned = retries && !resource.kind.needsVersionToUpdate ? withVersion(object, old.metadata.resourceVersion) : object;
  const stored = await api.metrics.clusterIps.write(api.store, { verb: 'update', object: pinned, subresource, dryRun: options.dryRun }, old);
  request.warnings.push(...(resource.stored.warnings?.(stored, old) ?? []));
  return stored;
}

const withVersion = (object: KubeObject, resourceVersion: string | undefined): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion },
});
