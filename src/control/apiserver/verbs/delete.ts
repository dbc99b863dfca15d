// DELETE of one object and of a collection.
import { ApiError, badRequest, forbiddenError, groupOf, notFoundError } from '../../../kube/meaning/api-error.ts';
import { type FieldError, invalid, notSupported } from '../../../kube/meaning/field-error.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { DeleteTarget } from '../../../kube/store/store.ts';
import { obeyPolicies } from '../admission/policies.ts';
import { type Api, seenObject } from '../api.ts';
import type { Resource } from '../registry.ts';
import type { Answer, ApiRequest } from '../request.ts';
import type { Target } from '../router.ts';
import { objectAnswer, successAnswer } from '../wire/answers.ts';
import { decodeBody } from '../wire/decode.ts';
import { printList } from '../wire/print.ts';
import { selectionOf } from '../wire/selectors.ts';
import { selectObjects } from './list.ts';
import { optionsError, readDryRun } from './write-options.ts';

export interface DeleteOptions {
  dryRun: boolean;
  gracePeriodSeconds?: number;
  propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
  uid?: string;
  resourceVersion?: string;
}

/** From the body, or, without one, from the query. */
export async function readDeleteOptions(request: ApiRequest): Promise<DeleteOptions> {
  const length = request.headers['content-length'];
  const hasBody = length !== undefined ? length !== '0' : request.headers['transfer-encoding'] !== undefined;
  const given = hasBody ? (await decodeBody(request, 'DeleteOptions')).value : Object.fromEntries(request.query);
  const dryRun = hasBody ? ((given['dryRun'] as string[] | undefined) ?? request.query.getAll('dryRun')) : request.query.getAll('dryRun');
  return checkDeleteOptions(given, dryRun);
}

const policies = ['Foreground', 'Background', 'Orphan', 'nil'];

export function checkDeleteOptions(given: Record<string, unknown>, dryRunValues: readonly string[] = []): DeleteOptions {
  const errors: FieldError[] = [];
  const dryRun = readDryRun(dryRunValues, errors);
  const propagationPolicy = readPropagation(given, errors);
  if (errors.length > 0) throw optionsError('DeleteOptions', errors);
  const seconds = given['gracePeriodSeconds'];
  const { uid, resourceVersion } = (given['preconditions'] ?? {}) as { uid?: string; resourceVersion?: string };
  return {
    dryRun,
    ...(seconds !== undefined && seconds !== null && { gracePeriodSeconds: Number(seconds) }),
    ...(propagationPolicy && { propagationPolicy }),
    ...(uid && { uid }),
    ...(resourceVersion && { resourceVersion }),
  };
}

/** propagationPolicy, or orphanDependents, its forerunner. */
function readPropagation(given: Record<string, unknown>, errors: FieldError[]): DeleteOptions['propagationPolicy'] {
  const policy = given['propagationPolicy'] as DeleteOptions['propagationPolicy'];
  const orphan = given['orphanDependents'] ?? undefined;
  if (policy && !policies.slice(0, 3).includes(policy)) errors.push(notSupported('propagationPolicy', policy, policies));
  if (policy && orphan !== undefined) {
    errors.push(invalid('propagationPolicy', policy, 'orphanDependents and deletionPropagation cannot be both set'));
  }
  if (policy || orphan === undefined) return policy || undefined;
  return String(orphan) === 'true' ? 'Orphan' : 'Background';
}

const keptNamespaces = new Set(['default', 'kube-system', 'kube-public']);

/** What every way of deleting shares; answers the object as it was removed or marked. */
export async function removeObject(api: Api, request: ApiRequest, removal: { resource: Resource; object: KubeObject; options: DeleteOptions }): Promise<KubeObject> {
  const { resource, object, options } = removal;
  const { name, namespace } = object.metadata;
  const { stored } = resource;
  if (stored.kind === 'Namespace' && stored.apiVersion === 'v1' && keptNamespaces.has(name)) {
    throw forbiddenError(stored, name, 'this namespace may not be deleted');
  }
  const { dryRun, gracePeriodSeconds, propagationPolicy, uid, resourceVersion } = options;
  obeyPolicies(api, request, { operation: 'DELETE', resource, old: resource.fromStored(object), dryRun });
  const target: DeleteTarget = { apiVersion: stored.apiVersion, kind: stored.kind, name, namespace, uid, resourceVersion };
  const removed = await api.store.write({ verb: 'delete', target, gracePeriodSeconds, propagationPolicy, dryRun });
  if (stored.kind === 'Service' && stored.apiVersion === 'v1' && !dryRun) await removeEndpoints(api, object);
  return removed;
}

/** Endpoints belong to the Service of the same name without an owner reference saying so. */
async function removeEndpoints(api: Api, { metadata: { name, namespace } }: KubeObject): Promise<void> {
  const endpoints = api.registry.find('v1', 'endpoints');
  if (!endpoints || !api.store.snapshot().get(endpoints.stored, name, namespace)) return;
  try {
    await api.store.write({ verb: 'delete', target: { apiVersion: 'v1', kind: 'Endpoints', name, namespace } });
  } catch (error) {
    // Gone meanwhile: what was wanted.
    if (!(error instanceof ApiError) || error.code !== 404) throw error;
  }
}

/** Answers the object where it stays (finalizers, grace) or its kind says so, else a Status. */
export async function deleteObject(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const options = await readDeleteOptions(request);
  const { resource } = target;
  const current = seenObject(api.store.snapshot(), target);
  if (!current) throw notFoundError(resource.kind, target.name!);
  const removed = await removeObject(api, request, { resource, object: current, options });
  const stays = seenObject(api.store.snapshot(), target)?.metadata.uid === current.metadata.uid && !options.dryRun;
  if (resource.kind.answersDeletedObject || stays) {
    return objectAnswer(request, resource, { stored: removed, now: api.now() });
  }
  const group = groupOf(resource.kind.apiVersion);
  const { name, uid = '' } = current.metadata;
  return successAnswer({ name, ...(group && { group }), kind: resource.kind.plural, uid });
}

/** Removes all that the selectors select; answers the list of them. */
export async function deleteCollection(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const { resource } = target;
  if (resource.kind.kind === 'Namespace' && resource.group === '') throw badRequest('namespaces cannot be deleted as a collection');
  const options = await readDeleteOptions(request);
  const seen = api.store.snapshot();
  const chosen = selectObjects(seen, target, selectionOf(resource, request.query));
  const removals = chosen.map(async (object) => {
    try {
      return [await removeObject(api, request, { resource, object, options })];
    } catch (error) {
      // Someone else was faster: one less to remove.
      if (error instanceof ApiError && error.code === 404) return [];
      throw error;
    }
  });
  const removed = (await Promise.all(removals)).flat();
  const meta = { resourceVersion: String(api.store.snapshot().revision) };
  return { code: 200, headers: { 'content-type': 'application/json' }, body: printList(resource, removed, meta) };
}
