// CREATE: POST on a collection.
import { randomInt } from 'node:crypto';
import { ApiError, invalidError } from '../../../kube/meaning/api-error.ts';
import { required } from '../../../kube/meaning/field-error.ts';
import { refuseEscalation } from '../identity/rbac/escalation.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import { admitCreate } from '../admission/admit.ts';
import { changeByPolicies } from '../admission/mutating-policies.ts';
import { obeyPolicies } from '../admission/policies.ts';
import type { Api } from '../api.ts';
import type { Resource } from '../registry.ts';
import type { Answer, ApiRequest } from '../request.ts';
import type { Target } from '../router.ts';
import { objectAnswer } from '../wire/answers.ts';
import { ownedAfterAdmission, ownerOf } from '../wire/codecs.ts';
import { decodeObject } from './decode-object.ts';
import { readWriteOptions, type WriteOptions } from './write-options.ts';

/** Answers 201. Throws ApiError 400, 403, 404 (the namespace), 409, 422. */
export async function createObject(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const options = readWriteOptions(request, 'CreateOptions');
  const object = await decodeObject(request, target, options);
  const stored = await storeNew(api, request, { target, object, options });
  return objectAnswer(request, target.resource, { stored, now: api.now(), code: 201 });
}

interface Creation {
  target: Target;
  /** As served. */
  object: KubeObject;
  options: WriteOptions;
  /** Who owns which field is settled already. */
  owned?: boolean;
}

/** Admits and stores an object that is not there yet; also the way of PUT and apply to create. */
export async function storeNew(api: Api, request: ApiRequest, creation: Creation): Promise<KubeObject> {
  const { object, target } = creation;
  const { name, generateName } = object.metadata;
  if (target.resource.kind.isEnding) throw new ApiError(405, 'MethodNotAllowed', 'create not allowed while custom resource definition is terminating', {});
  if (!name && !generateName) {
    throw invalidError(target.resource.kind, '', [required('metadata.name', 'name or generateName is required')]);
  }
  refuseEscalation({ user: request.user, kind: target.resource.stored, object, authorize: api.authorize, seen: api.store.snapshot() });
  const stored = name ? await storeNamed(api, request, creation) : await storeGenerated(api, request, creation);
  request.warnings.push(...(target.resource.stored.warnings?.(stored) ?? []));
  return stored;
}

/** Admission sees the object as stored; owners are settled after it, so that they own what it added. */
async function storeNamed(api: Api, request: ApiRequest, { target, object, options, owned }: Creation): Promise<KubeObject> {
  const { resource } = target;
  const admitted = admitCreate(api, target, resource.toStored(object));
  const write = { operation: 'CREATE' as const, resource, object: completed(resource, admitted), dryRun: options.dryRun };
  const changed = changeByPolicies(api, request, write);
  obeyPolicies(api, request, { ...write, object: changed });
  const wished = changed === write.object ? admitted : resource.toStored(changed);
  const owner = ownerOf(resource, options.manager, { now: api.now() });
  const owning = ownedAfterAdmission(undefined, { asked: admitted, wished, ...(owned && { settled: true }) }, owner);
  return api.metrics.clusterIps.write(api.store, { verb: 'create', object: owning, dryRun: options.dryRun });
}

/** As policies see it: with its defaults. */
const completed = ({ stored, fromStored }: Resource, object: KubeObject): KubeObject => fromStored(stored.setDefaults?.(object) ?? object);

const generatedNameTries = 8;

async function storeGenerated(api: Api, request: ApiRequest, creation: Creation): Promise<KubeObject> {
  const { object } = creation;
  for (let tried = 1; ; tried += 1) {
    const name = generateName(object.metadata.generateName!);
    try {
      return await storeNamed(api, request, { ...creation, object: { ...object, metadata: { ...object.metadata, name } } });
    } catch (error) {
      const taken = error instanceof ApiError && error.reason === 'AlreadyExists';
      if (!taken || tried === generatedNameTries) throw error;
    }
  }
}

// No vowels and no 0, 1, 3: chance makes no words, and no digit is taken for a letter.
const suffixLetters = 'bcdfghjklmnpqrstvwxz2456789';

export function generateName(prefix: string): string {
  const suffix = Array.from({ length: 5 }, () => suffixLetters[randomInt(suffixLetters.length)]).join('');
  return prefix.slice(0, 58) + suffix;
}
