// How OpenAPI documents are handed out: each with its ETag and the time it was made, so that clients that have it are told
// 304 and nothing else.
import { createHash } from 'node:crypto';
import type { Api } from '../api.ts';
import { type Answer, type ApiRequest, textAnswer } from '../request.ts';
import { parseAccept } from '../wire/negotiate.ts';
import { type OpenApiDocument, openApiDocuments, openApiIndex } from './openapi.ts';
import { printOpenApiV2, smallestV2 } from './openapi-v2.ts';
import { perRevision } from './per-revision.ts';

/** Documents of one moment. Those that few ask for are made when they do. */
interface Published {
  readonly documents: readonly OpenApiDocument[];
  readonly madeAt: Date;
  index(): Printed;
  v2(): Printed;
}

interface Printed {
  readonly text: string;
  readonly etag: string;
}

const printed = (text: string): Printed => ({ text, etag: `"${createHash('sha512').update(text).digest('hex').toUpperCase()}"` });

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

const published = perRevision(({ registry, now }): Published => {
  const documents = openApiDocuments(registry);
  return { documents, madeAt: now(), index: once(() => printed(JSON.stringify(openApiIndex(documents)))), v2: once(() => printed(printOpenApiV2(documents))) };
});

export const documentPaths = (api: Api): string[] => published(api).documents.map(({ path }) => `/${path}`);

interface Cached {
  body: string | Uint8Array;
  etag: string;
  type: string;
  headers: Record<string, string>;
  madeAt: Date;
}

/** An ETag outweighs a time (RFC 9110, section 13.2.2); times are in whole seconds. */
function isKnown({ headers }: ApiRequest, { etag, madeAt }: Cached): boolean {
  const tags = headers['if-none-match'];
  if (tags !== undefined) return tags.split(',').some((one) => one.trim().replace(/^W\//, '') === etag || one.trim() === '*');
  const since = Date.parse(headers['if-modified-since'] ?? '');
  return Math.floor(madeAt.getTime() / 1000) * 1000 <= since;
}

function cachedAnswer(request: ApiRequest, cached: Cached): Answer {
  const headers = { etag: cached.etag, 'last-modified': cached.madeAt.toUTCString(), vary: 'Accept', ...cached.headers };
  if (isKnown(request, cached)) return { code: 304, headers };
  return { code: 200, headers: { ...headers, 'content-type': cached.type }, body: cached.body };
}

const untilAsked = { 'cache-control': 'no-cache, private' };
const json = 'application/json';

export function answerIndex(api: Api, request: ApiRequest): Answer {
  const { index, madeAt } = published(api);
  return cachedAnswer(request, { body: index().text, etag: index().etag, type: json, headers: untilAsked, madeAt });
}

const protobuf = 'application/com.github.proto-openapi.spec.v2';

/** JSON where it is what the client takes first; protobuf is for the kubectls that know nothing else. */
export function answerV2(api: Api, request: ApiRequest): Answer {
  const { v2, madeAt } = published(api);
  const first = parseAccept(request.headers.accept).find(({ type }) => type === json || type.startsWith(protobuf));
  if (first?.type === json) return cachedAnswer(request, { body: v2().text, etag: v2().etag, type: json, headers: untilAsked, madeAt });
  const { etag } = printed(smallestV2.toString('hex'));
  return cachedAnswer(request, { body: smallestV2, etag, type: `${protobuf}.v1.0+protobuf`, headers: untilAsked, madeAt });
}

const yearMs = 365 * 86_400_000;

/** A document asked for by its hash never changes: clients may keep it for good. */
export function answerDocument(api: Api, request: ApiRequest, path: string): Answer {
  const { documents, madeAt } = published(api);
  const document = documents.find((one) => one.path === path);
  if (!document) return textAnswer('404 page not found\n', 404);
  const headers = request.query.get('hash')
    ? { 'cache-control': 'public, immutable', expires: new Date(api.now().getTime() + yearMs).toUTCString() }
    : untilAsked;
  return cachedAnswer(request, { body: document.text, etag: `"${document.hash}"`, type: json, headers, madeAt });
}
