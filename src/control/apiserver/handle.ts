// The way of every request: what does it name, may this user do that, who answers.
//
//   serve.ts: who asks ──▶ path names no resource ──▶ discovery/ (discovery, OpenAPI, health, version)
//                     ├──▶ a review ─────────────▶ reviews.ts (answered, never stored)
//                     ├──▶ an object's subresource ▶ subresources.ts ─▶ verbs/ · streams/
//                     └──▶ objects ──────────────▶ verbs/ ──▶ admission/ ──▶ the store
import { badRequest, methodNotAllowed } from '../../kube/meaning/api-error.ts';
import type { Api, Handler } from './api.ts';
import { answerPath } from './discovery/paths.ts';
import { forbiddenTo, type PathAttributes, type ResourceAttributes, resourceAttributes } from './identity/authorize.ts';
import { type Answer, type ApiRequest, isTrue, textAnswer } from './request.ts';
import { answerReview, findReview } from './reviews.ts';
import { parseResourcePath, type ResourcePath, type Target, targetOf } from './router.ts';
import { subresourcesOf } from './subresources.ts';
import { createObject } from './verbs/create.ts';
import { deleteCollection, deleteObject } from './verbs/delete.ts';
import { getObject } from './verbs/get.ts';
import { listObjects } from './verbs/list.ts';
import { patchObject } from './verbs/patch.ts';
import { updateObject } from './verbs/update.ts';
import { watchObjects } from './verbs/watch.ts';

const handlers: Readonly<Record<string, Handler>> = {
  create: createObject,
  get: getObject,
  list: listObjects,
  watch: watchObjects,
  update: updateObject,
  patch: patchObject,
  delete: deleteObject,
  deletecollection: deleteCollection,
};

// What the authorizer calls each method; on an object, and on a collection.
const namedVerbs: Readonly<Record<string, string>> = { GET: 'get', HEAD: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };
const collectionVerbs: Readonly<Record<string, string>> = { GET: 'list', HEAD: 'list', POST: 'create', DELETE: 'deletecollection' };

function verbOf(request: ApiRequest, path: ResourcePath): string | undefined {
  const watches = request.method === 'GET' && (path.watch || isTrue(request.query.get('watch')));
  if (watches && !path.subresource) return 'watch';
  return (path.name ? namedVerbs : collectionVerbs)[request.method];
}

function refuseForbidden(api: Api, request: ApiRequest, attributes: ResourceAttributes | PathAttributes): void {
  if (!api.authorize(request.user, attributes).allowed) throw forbiddenTo(request.user, attributes);
}

/** Throws ApiError; everything else it throws is a bug. */
export async function answerRequest(api: Api, request: ApiRequest): Promise<Answer> {
  const path = parseResourcePath(request.path);
  if (!path || !knowsVersion(api, path)) {
    refuseForbidden(api, request, { verb: request.method.toLowerCase(), path: request.path });
    return path ? textAnswer('404 page not found\n', 404) : answerPath(api, request);
  }
  const verb = verbOf(request, path);
  refuseForbidden(api, request, resourceAttributes(path, verb ?? request.method.toLowerCase()));
  const review = findReview(path);
  if (review) return answerReviewRequest(api, request, { review, verb });
  if (wantsLatest(request)) await api.store.latest?.();
  const target = targetOf(api.registry, path);
  if (target.resource.kind.deprecation) request.warnings.push(target.resource.kind.deprecation);
  const handler = target.subresource ? subresourceHandler(request, target) : mainHandler(verb, target, request.method);
  return handler(api, request, target);
}

/** A read that names a version is content with it; everything else must see what other servers have acknowledged. */
const wantsLatest = ({ method, query }: ApiRequest): boolean => (method !== 'GET' && method !== 'HEAD') || !query.get('resourceVersion');

function answerReviewRequest(api: Api, request: ApiRequest, { review, verb }: { review: NonNullable<ReturnType<typeof findReview>>; verb?: string }) {
  if (verb !== 'create') throw methodNotAllowed();
  return answerReview(api, request, review);
}

/** An unknown group is no resource at all: plain text 404, as for any unknown path. */
const knowsVersion = ({ registry }: Api, path: ResourcePath): boolean => registry.serves(path.apiVersion) || findReview(path) !== undefined;

/** HEAD is judged like GET, but nobody answers it: upstream has no route for it, nor for OPTIONS. */
function mainHandler(verb: string | undefined, { resource, namespace, name }: Target, method: string): Handler {
  const handler = verb && method !== 'HEAD' && handlers[verb];
  if (!handler) throw methodNotAllowed();
  // POST goes to a collection, and a namespaced one names its namespace.
  if (verb === 'create' && (name !== undefined || (resource.kind.namespaced && namespace === undefined))) throw methodNotAllowed();
  if (verb === 'deletecollection' && resource.kind.namespaced && namespace === undefined) throw methodNotAllowed();
  return handler;
}

function subresourceHandler(request: ApiRequest, { resource, subresource, name }: Target): Handler {
  const entry = subresourcesOf(resource).find((one) => one.name === subresource);
  if (!name) throw badRequest('name must be provided');
  if (!entry) return async () => textAnswer('404 page not found\n', 404);
  const handler = entry.handlers[request.method as keyof typeof entry.handlers];
  if (!handler) throw methodNotAllowed();
  return handler;
}
