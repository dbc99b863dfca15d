// GET on paths that name no object: discovery, OpenAPI, version, health, metrics, token keys.
import { createHash } from 'node:crypto';
import { methodNotAllowed } from '../../../kube/meaning/api-error.ts';
import type { Api } from '../api.ts';
import { type Answer, type ApiRequest, jsonAnswer, textAnswer } from '../request.ts';
import { type MediaType, parseAccept } from '../wire/negotiate.ts';
import { aggregatedDiscovery } from './aggregated.ts';
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from './legacy.ts';
import { backupAnswer } from '../backup.ts';
import { answerDocument, answerIndex, answerV2, documentPaths } from './openapi-answers.ts';
import { perRevision } from './per-revision.ts';
import { type ServedGroup, servedGroups } from './served.ts';
import { version } from './version.ts';

const groupsOf = perRevision(({ registry }) => servedGroups(registry));

type PathHandler = (api: Api, request: ApiRequest) => Answer | Promise<Answer>;

const ok = () => textAnswer('ok');

/** Ready means: writes can be stored. Alive is also who waits for etcd to come back. */
const ready: PathHandler = ({ store }) =>
  store.connected?.() === false ? textAnswer('[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n', 500) : textAnswer('ok');

// Paths that are answered as they stand; a trailing slash is forgiven.
const exact: Readonly<Record<string, PathHandler>> = {
  '/': (api) => jsonAnswer({ paths: ['/api', '/api/v1', '/apis', '/healthz', '/livez', '/metrics', '/openapi/v2', '/openapi/v3', '/readyz', '/version', ...documentPaths(api)] }),
  '/api': (api, request) => discovery(api, request, ({ group }) => group === '') ?? jsonAnswer(apiVersions(String(request.headers.host ?? request.headers[':authority'] ?? ''))),
  '/apis': (api, request) => discovery(api, request, ({ group }) => group !== '') ?? jsonAnswer(apiGroupList(groupsOf(api))),
  '/version': () => jsonAnswer(version),
  '/healthz': ok,
  '/livez': ok,
  '/readyz': ready,
  '/readyz/etcd': ready,
  '/healthz/ping': ok,
  '/fairlead/backup': backupAnswer,
  '/metrics': async (api) => ({ code: 200, headers: { 'content-type': 'text/plain; version=0.0.4' }, body: await api.metrics.print() }),
  '/openapi/v2': answerV2,
  '/openapi/v3': answerIndex,
  '/openid/v1/jwks': ({ tokens }) => ({ ...jsonAnswer(tokens.keys()), headers: { 'content-type': 'application/jwk-set+json', 'cache-control': 'public, max-age=3600' } }),
  '/.well-known/openid-configuration': ({ tokens }) =>
    jsonAnswer({
      issuer: tokens.issuer,
      jwks_uri: `${tokens.issuer}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    }),
};

const withoutTrailingSlash = (path: string) => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path);

/** Plain text 404 for what nobody knows, as upstream's mux answers it. */
export async function answerPath(api: Api, request: ApiRequest): Promise<Answer> {
  const path = withoutTrailingSlash(request.path);
  const handler = exact[path] ?? openApiHandler(path) ?? groupHandler(api, path);
  if (!handler) return textAnswer('404 page not found\n', 404);
  if (request.method !== 'GET' && request.method !== 'HEAD') throw methodNotAllowed();
  return handler(api, request);
}

const aggregatedVersion = ({ type, parameters }: MediaType): 'v2' | 'v2beta1' | 'legacy' | undefined => {
  if (parameters.get('as') === 'APIGroupDiscoveryList' && parameters.get('g') === 'apidiscovery.k8s.io') {
    const asked = parameters.get('v');
    return asked === 'v2' || asked === 'v2beta1' ? asked : undefined;
  }
  return parameters.has('as') || !['application/json', '*/*', 'application/*'].includes(type) ? undefined : 'legacy';
};

/** undefined: the client wants the old form. */
function discovery(api: Api, request: ApiRequest, chosen: (group: ServedGroup) => boolean): Answer | undefined {
  const wanted = parseAccept(request.headers.accept).map(aggregatedVersion).find((asked) => asked !== undefined);
  if (wanted !== 'v2' && wanted !== 'v2beta1') return undefined;
  const body = JSON.stringify(aggregatedDiscovery(groupsOf(api).filter(chosen), wanted));
  const etag = `"${createHash('sha512').update(body).digest('hex').toUpperCase()}"`;
  const headers = { etag, vary: 'Accept', 'cache-control': 'public' };
  if (request.headers['if-none-match'] === etag) return { code: 304, headers };
  const type = `application/json;g=apidiscovery.k8s.io;v=${wanted};as=APIGroupDiscoveryList`;
  return { code: 200, headers: { ...headers, 'content-type': type }, body };
}

function openApiHandler(path: string): PathHandler | undefined {
  if (!path.startsWith('/openapi/v3/')) return undefined;
  return (api, request) => answerDocument(api, request, path.slice('/openapi/v3/'.length));
}

function groupHandler(api: Api, path: string): PathHandler | undefined {
  const groups = groupsOf(api);
  const apiVersion = path.startsWith('/apis/') ? path.slice('/apis/'.length) : path === '/api/v1' ? 'v1' : undefined;
  if (!apiVersion) return undefined;
  const group = groups.find((one) => one.group === apiVersion && one.group !== '');
  if (group) return () => jsonAnswer(apiGroup(group));
  const found = groups.flatMap(({ versions }) => versions).find((one) => one.apiVersion === apiVersion);
  return found && (() => jsonAnswer(apiResourceList(found)));
}
