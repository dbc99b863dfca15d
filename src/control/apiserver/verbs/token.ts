// POST serviceaccounts/x/token: a token for the account, for as long and for whom the request says.
import { invalidError, notFoundError } from '../../../kube/meaning/api-error.ts';
import { timestamp } from '../../../kube/meaning/conditions.ts';
import { invalid } from '../../../kube/meaning/field-error.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import { type Api, seenObject } from '../api.ts';
import { type Answer, type ApiRequest, jsonAnswer } from '../request.ts';
import type { Target } from '../router.ts';
import { decodeBody, typedAs } from '../wire/decode.ts';

interface BoundObject {
  kind?: string;
  apiVersion?: string;
  name?: string;
  uid?: string;
}

type TokenRequest = KubeObject & { spec?: { audiences?: string[] | null; expirationSeconds?: number | null; boundObjectRef?: BoundObject | null } | null };

const apiVersion = 'authentication.k8s.io/v1';
const names = { apiVersion, kind: 'TokenRequest', plural: 'tokenrequests' };

export async function createToken(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const { metadata, audiences, expirationSeconds, boundObjectRef } = await readTokenRequest(request);
  const { name = '', namespace = '' } = target;
  const account = seenObject(api.store.snapshot(), target);
  if (!account) throw notFoundError(target.resource.kind, name);
  const uid = account.metadata.uid ?? '';
  const bound = boundTo(api, namespace, boundObjectRef);
  const { token, expires } = await api.tokens.issue({ namespace, name, uid, audiences, expirationSeconds, ...bound });
  const spec = { audiences: audiences.length > 0 ? audiences : [api.tokens.issuer], expirationSeconds, boundObjectRef: boundObjectRef ?? null };
  const creationTimestamp = timestamp(api.now());
  const status = { token, expirationTimestamp: timestamp(expires) };
  return jsonAnswer({ kind: 'TokenRequest', apiVersion, metadata: { ...metadata, name, namespace, creationTimestamp }, spec, status }, 201);
}

/** Go's clients write null for what they leave out. Throws ApiError 422 for a time that is too short. */
async function readTokenRequest(request: ApiRequest) {
  const { value } = await decodeBody(request, 'TokenRequest');
  const { spec, metadata } = typedAs(value, apiVersion, 'TokenRequest') as TokenRequest;
  const expirationSeconds = spec?.expirationSeconds ?? 3600;
  if (expirationSeconds < 600) {
    throw invalidError(names, '', [invalid('spec.expirationSeconds', expirationSeconds, 'may not specify a duration less than 10 minutes')]);
  }
  return { metadata, expirationSeconds, audiences: spec?.audiences ?? [], boundObjectRef: spec?.boundObjectRef ?? undefined };
}

function boundTo({ registry, store }: Api, namespace: string, reference: BoundObject | undefined) {
  if (reference?.kind !== 'Pod' && reference?.kind !== 'Node') return {};
  const plural = reference.kind === 'Pod' ? 'pods' : 'nodes';
  const resource = registry.find('v1', plural);
  const name = reference.name ?? '';
  const found = resource && store.snapshot().get(resource.stored, name, plural === 'pods' ? namespace : undefined);
  if (!found) throw notFoundError({ apiVersion: 'v1', kind: reference.kind, plural }, name);
  const bound = { name, uid: found.metadata.uid ?? '' };
  return plural === 'pods' ? { pod: bound } : { node: bound };
}
