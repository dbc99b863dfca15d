// PATCH: four languages. All but apply change an object that is there; apply may also create it.
import { badRequest, conflictError, notFoundError } from '../../../kube/meaning/api-error.ts';
import { forbidden, required } from '../../../kube/meaning/field-error.ts';
import { jsonPatch } from '../../../kube/meaning/patch/json-patch.ts';
import { mergePatch } from '../../../kube/meaning/patch/merge-patch.ts';
import { strategicMergePatch } from '../../../kube/meaning/patch/strategic-merge.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import { type Api, seenObject } from '../api.ts';
import { type Answer, type ApiRequest, isTrue, readBody } from '../request.ts';
import type { Target } from '../router.ts';
import { objectAnswer } from '../wire/answers.ts';
import { applied, ownerOf } from '../wire/codecs.ts';
import { contentType, parseJson, parseYaml, typedAs, unsupportedMediaType } from '../wire/decode.ts';
import { storeNew } from './create.ts';
import { checkedFields, placeObject } from './decode-object.ts';
import { rewrite, type WriteSubresource } from './update.ts';
import { optionsError, readWriteOptions, type WriteOptions } from './write-options.ts';

type Patch = (current: KubeObject) => KubeObject;

const applyType = 'application/apply-patch+yaml';
const patchTypes = ['application/json-patch+json', 'application/merge-patch+json', 'application/strategic-merge-patch+json', applyType];

/** Throws ApiError 400, 404, 409, 415, 422. Patches without a version are tried again when another write came between. */
export async function patchObject(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const options = readWriteOptions(request, 'PatchOptions');
  const type = contentType(request);
  if (type === applyType) return applyObject(api, request, { target, options });
  if (request.query.has('force')) throw optionsError('PatchOptions', [forbidden('force', 'may not be specified for non-apply patch')]);
  const text = (await readBody(request)).toString();
  const patch = readPatch(type, text, target);
  const stored = await rewrite(api, request, {
    target,
    options,
    subresource: target.subresource as WriteSubresource | undefined,
    retries: !namesVersion(text),
    next: (current) => checkedPatch(request, { current, patch, target, options }),
  });
  return objectAnswer(request, target.resource, { stored, now: api.now() });
}

/** A patch that writes metadata.resourceVersion is meant for that version only. */
function namesVersion(text: string): boolean {
  const value = JSON.parse(text) as { metadata?: { resourceVersion?: string } } | ({ path?: string } | null)[] | null;
  if (Array.isArray(value)) return value.some((operation) => operation?.path === '/metadata/resourceVersion');
  return Boolean(value?.metadata?.resourceVersion);
}

function readPatch(type: string, text: string, target: Target): Patch {
  const { kind } = target.resource;
  // Nobody has said how lists of custom kinds merge strategically.
  const known = kind.ownFields ? patchTypes.filter((one) => !one.includes('strategic')) : patchTypes;
  if (!known.includes(type)) throw unsupportedMediaType(known);
  const value = parseJson(text, kind.kind);
  if (type === 'application/json-patch+json') return (current) => jsonPatch(current, value);
  if (type === 'application/merge-patch+json') return (current) => mergePatch(current, value);
  return (current) => strategicMergePatch(kind, current, value);
}

interface Checked {
  current: KubeObject;
  patch: Patch;
  target: Target;
  options: WriteOptions;
}

/** The patched object must still be what the URL names, and must not gain unknown fields. */
function checkedPatch(request: ApiRequest, { current, patch, target, options }: Checked): KubeObject {
  const { kind, apiVersion } = target.resource.kind;
  const next = typedAs(patch(current) as unknown as Record<string, unknown>, apiVersion, kind);
  const checked = checkedFields(request, next, { kind: target.resource.kind, validation: options.fieldValidation });
  return placeObject(checked, target);
}

/** Server-side apply: says what the fields shall be, and who says so. The only patch that may create. */
async function applyObject(api: Api, request: ApiRequest, { target, options }: { target: Target; options: WriteOptions }): Promise<Answer> {
  if (!options.fieldManager) throw optionsError('PatchOptions', [required('fieldManager', 'is required for apply patch')]);
  const { resource } = target;
  const text = (await readBody(request)).toString();
  const patch = readApplied(request, { text, target, options });
  const force = isTrue(request.query.get('force'));
  const subresource = target.subresource as WriteSubresource | undefined;
  const owner = ownerOf(resource, options.manager, { now: api.now(), subresource });
  if (!seenObject(api.store.snapshot(), target)) {
    if (subresource) throw notFoundError(resource.kind, target.name!);
    refuseUid(target, patch);
    const object = applied(undefined, patch, { ...owner, force });
    const stored = await storeNew(api, request, { target, object, options, owned: true });
    return objectAnswer(request, resource, { stored, now: api.now(), code: 201 });
  }
  const retries = !patch.metadata.resourceVersion;
  const next = (current: KubeObject) => applied(current, patch, { ...owner, force });
  const stored = await rewrite(api, request, { target, options, subresource, retries, next, owned: true });
  return objectAnswer(request, resource, { stored, now: api.now() });
}

function refuseUid({ resource, name }: Target, { metadata: { uid } }: KubeObject): void {
  if (!uid) return;
  throw conflictError(resource.kind, name!, `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`);
}

function refuseOtherType({ apiVersion, kind }: Partial<KubeObject>, { resource }: Target): void {
  if (apiVersion === resource.kind.apiVersion && kind === resource.kind.kind) return;
  const given = typeof apiVersion === 'string' ? apiVersion : '';
  const [group, version] = given.includes('/') ? given.split('/') : ['', given];
  throw badRequest(`invalid object type: ${group}/${version}, Kind=${kind}`);
}

/** YAML, of which JSON is a part. Unknown fields are refused even where other writes only warn: nobody could own them. */
function readApplied(request: ApiRequest, { text, target, options }: { text: string; target: Target; options: WriteOptions }): KubeObject {
  const value = parseYaml(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badRequest('error decoding YAML: object expected');
  refuseOtherType(value as Partial<KubeObject>, target);
  const { metadata } = value as Partial<KubeObject>;
  if (metadata?.managedFields?.length) throw badRequest('metadata.managedFields must be nil');
  const named = { ...value, metadata: { ...metadata, name: metadata?.name ?? target.name! } } as KubeObject;
  const validation = options.fieldValidation === 'Ignore' ? 'Ignore' : 'Strict';
  return placeObject(checkedFields(request, named, { kind: target.resource.kind, validation, text }), target);
}

