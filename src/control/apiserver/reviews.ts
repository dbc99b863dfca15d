// Questions that are asked by creating an object nobody stores: who am I, may I, is this token good.
// The answer is the same object with its status filled.
import { ApiError } from '../../kube/meaning/api-error.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import type { Api } from './api.ts';
import type { User } from './identity/user.ts';
import type { PathAttributes, ResourceAttributes } from './identity/authorize.ts';
import { type Answer, type ApiRequest, jsonAnswer } from './request.ts';
import type { ResourcePath } from './router.ts';
import { decodeBody, typedAs } from './wire/decode.ts';

interface Asked extends KubeObject {
  spec?: Record<string, unknown>;
}

export interface Review {
  apiVersion: string;
  kind: string;
  plural: string;
  namespaced: boolean;
  status(api: Api, user: User, spec: Record<string, unknown>): Promise<object> | object;
}

const authentication = 'authentication.k8s.io/v1';
const authorization = 'authorization.k8s.io/v1';

const printUser = ({ name, uid, groups, extra }: User) => ({ username: name, ...(uid && { uid }), groups, ...(extra && { extra }) });

type AskedAttributes = { resourceAttributes?: Partial<ResourceAttributes>; nonResourceAttributes?: Partial<PathAttributes> };

function attributesOf({ resourceAttributes: asked, nonResourceAttributes: path }: AskedAttributes): ResourceAttributes | PathAttributes {
  if (asked) return { ...asked, verb: asked.verb ?? '', group: asked.group ?? '', resource: asked.resource ?? '' };
  if (path) return { verb: path.verb ?? '', path: path.path ?? '' };
  throw new ApiError(422, 'Invalid', 'spec.resourceAttributes: Invalid value: exactly one of nonResourceAttributes or resourceAttributes must be specified');
}

function decide(api: Api, user: User, spec: Record<string, unknown>): object {
  const { allowed, reason } = api.authorize(user, attributesOf(spec as AskedAttributes));
  return { allowed, ...(reason && { reason }) };
}

/** The user a review by a third party asks about. */
const userIn = ({ user, uid, groups }: { user?: string; uid?: string; groups?: string[] | null }): User => ({ name: user ?? '', uid, groups: groups ?? [] });

async function tokenStatus({ tokens }: Api, spec: { token?: string; audiences?: string[] }): Promise<object> {
  const verified = await tokens.verify(spec.token ?? '', spec.audiences?.length ? spec.audiences : undefined);
  if (!verified) return { user: {}, error: 'invalid bearer token' };
  return { authenticated: true, user: printUser(verified.user), audiences: verified.audiences };
}

function rulesStatus(api: Api, user: User, spec: { namespace?: string }): object {
  const rules = api.rulesOf(user, spec.namespace ?? '');
  return {
    resourceRules: rules.filter((rule) => rule.resources?.length).map(({ verbs, apiGroups, resources, resourceNames }) => ({ verbs, apiGroups, resources, ...(resourceNames && { resourceNames }) })),
    nonResourceRules: rules.filter((rule) => rule.nonResourceURLs?.length).map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
    incomplete: false,
  };
}

export const reviews: readonly Review[] = [
  { apiVersion: authentication, kind: 'TokenReview', plural: 'tokenreviews', namespaced: false, status: (api, _user, spec) => tokenStatus(api, spec) },
  { apiVersion: authentication, kind: 'SelfSubjectReview', plural: 'selfsubjectreviews', namespaced: false, status: (_api, user) => ({ userInfo: printUser(user) }) },
  { apiVersion: authorization, kind: 'LocalSubjectAccessReview', plural: 'localsubjectaccessreviews', namespaced: true, status: (api, _user, spec) => decide(api, userIn(spec), spec) },
  { apiVersion: authorization, kind: 'SelfSubjectAccessReview', plural: 'selfsubjectaccessreviews', namespaced: false, status: decide },
  { apiVersion: authorization, kind: 'SelfSubjectRulesReview', plural: 'selfsubjectrulesreviews', namespaced: false, status: rulesStatus },
  { apiVersion: authorization, kind: 'SubjectAccessReview', plural: 'subjectaccessreviews', namespaced: false, status: (api, _user, spec) => decide(api, userIn(spec), spec) },
];

export const findReview = ({ apiVersion, plural }: ResourcePath): Review | undefined =>
  reviews.find((review) => review.apiVersion === apiVersion && review.plural === plural);

export async function answerReview(api: Api, request: ApiRequest, review: Review): Promise<Answer> {
  const { apiVersion, kind } = review;
  const { value } = await decodeBody(request, kind);
  const asked = typedAs(value, apiVersion, kind) as Asked;
  const status = await review.status(api, request.user, asked.spec ?? {});
  return jsonAnswer({ kind, apiVersion, metadata: { ...asked.metadata, creationTimestamp: null }, ...(asked.spec && { spec: asked.spec }), status }, 201);
}
