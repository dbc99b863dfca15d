// CREATE: POST on a collection.
import { randomInt } from 'node:crypto';
import { ApiError, invalidError } from '../../../kube/meaning/api-error.ts';
import { required } from '../../../kube/meaning/field-error.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import { admitCreate } from '../admission/admit.ts';
import type { Api } from '../api.ts';
import type { Answer, ApiRequest } from '../request.ts';
import type { Target } from '../router.ts';
import { objectAnswer } from '../wire/answers.ts';
import { ownedUpdate } from '../wire/codecs.ts';
import { decodeObject } from './decode-object.ts';
import { readWriteOptions, type WriteOptions } from './write-options.ts';

export async function createObject(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const options = readWriteOptions(request, 'CreateOptions');
  const object = await decodeObject(request, target, options);
  const stored = await storeNew(api, request, { target, object, options });
  return objectAnswer(request, target.resource, { stored, now: api.now(), code: 201 });
}

/** Admits and stores an object that is not there yet; also the way of PUT and apply to create. */
export async function storeNew(api: Api, request: ApiRequest, about: { target: Target; object: KubeObject; options: WriteOptions; owned?: boolean }): Promise<KubeObject> {
  const { target, options } = about;
  const { resource } = target;
  const named = (object: KubeObject) => {
    const admitted = admitCreate(api, target, resource.toStored(object));
    request.warnings.push(...(resource.stored.warnings?.(admitted) ?? []));
    if (about.owned) return admitted;
    const { manager } = options;
    return ownedUpdate(undefined, admitted, { manager, apiVersion: resource.kind.apiVersion, now: api.now() });
  };
  const { name, generateName } = about.object.metadata;
  if (!name && !generateName) {
    throw invalidError(resource.kind, '', [required('metadata.name', 'name or generateName is required')]);
  }
  if (name) return api.store.write({ verb: 'create', object: named(about.object), dryRun: options.dryRun });
  return storeGenerated(api, { ...about, named });
}

const generatedNameTries = 8;

async function storeGenerated(api: Api, about: { object: KubeObject; options: WriteOptions; named(object: KubeObject): KubeObject }): Promise<KubeObject> {
  const { object, options, named } = about;
  for (let tried = 1; ; tried += 1) {
    const name = generateName(object.metadata.generateName!);
    try {
      const candidate = named({ ...object, metadata: { ...object.metadata, name } });
      return await api.store.write({ verb: 'create', object: candidate, dryRun: options.dryRun });
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
