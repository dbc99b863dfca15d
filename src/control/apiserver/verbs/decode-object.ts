// The object in a request's body, made to agree with the URL and checked against the kind's fields.
import { badRequest } from '../../../kube/meaning/api-error.ts';
import type { Kind } from '../../../kube/kinds/kind.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import { checkTypes } from '../../../kube/wire/check-fields.ts';
import { knownFields } from '../../../kube/wire/known-fields.ts';
import type { ApiRequest } from '../request.ts';
import type { Target } from '../router.ts';
import { fieldComplaints } from '../wire/codecs.ts';
import { decodeBody, typedAs } from '../wire/decode.ts';
import type { WriteOptions } from './write-options.ts';

/**
 * A value of the wrong type is always refused. Strict refuses unknown and duplicate fields, Warn (the default) turns them
 * into warnings. Answers the object, of a custom kind without the unknown fields.
 */
export function checkedFields(request: ApiRequest, object: KubeObject, about: { kind: Kind; validation: WriteOptions['fieldValidation']; text?: string }): KubeObject {
  const { kind, validation, text } = about;
  const pruned = kind.ownFields?.prune(object);
  if (pruned) checkTypes(anyObject, { metadata: object.metadata });
  else checkTypes(object, object);
  if (validation !== 'Ignore') complain(request, object, { validation, found: fieldComplaints(object, { unknown: pruned?.unknown, text }) });
  return pruned?.value ?? object;
}

/** The metadata of all kinds is of one type. */
const anyObject = { apiVersion: 'v1', kind: 'ConfigMap' };

function complain(request: ApiRequest, { kind, apiVersion }: KubeObject, about: { validation: WriteOptions['fieldValidation']; found: string[] }): void {
  if (about.found.length === 0) return;
  if (about.validation === 'Warn') {
    request.warnings.push(...about.found);
    return;
  }
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
  throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: strict decoding error: ${about.found.join(', ')}`);
}

/** What is to be stored: in the URL's namespace, only fields that the kind has. Throws ApiError 400 where body and URL disagree. */
export function placeObject(given: KubeObject, { resource, namespace, name }: Target): KubeObject {
  const object = knownFields(given, given);
  const { metadata } = object;
  if (name !== undefined && metadata.name && metadata.name !== name) {
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  }
  if (name !== undefined && !metadata.name) throw badRequest(`name must be provided`);
  if (!resource.kind.namespaced) {
    if (metadata.namespace) throw badRequest('namespace specified on a non-namespaced object');
    return object;
  }
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  return { ...object, metadata: { ...metadata, namespace } };
}

/** As served (a view is not yet turned into what is stored). */
export async function decodeObject(request: ApiRequest, target: Target, options: WriteOptions): Promise<KubeObject> {
  const { kind, apiVersion } = target.resource.kind;
  const { value, text } = await decodeBody(request, kind);
  const object = typedAs(value, apiVersion, kind);
  const checked = checkedFields(request, object, { kind: target.resource.kind, validation: options.fieldValidation, text });
  return placeObject(checked, target);
}
