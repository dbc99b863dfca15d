// OpenAPI v3: an index with hashes, and one document a group version. Clients look in it for the parameters of the
// PATCH operation of a kind (fieldValidation, dryRun); https://kubernetes.io/docs/concepts/overview/kubernetes-api/
import { createHash } from 'node:crypto';
import { groupOf } from '../../../kube/meaning/api-error.ts';
import { customSchemaName } from '../../../kube/custom/custom-openapi.ts';
import { metadataSchemas, openApiSchemas } from '../../../kube/schema/openapi.ts';
import type { KindRegistry } from '../registry.ts';
import { versionOf } from '../registry.ts';
import { type ServedResource, type ServedVersion, servedGroups } from './served.ts';

export interface OpenApiDocument {
  /** `api/v1`, `apis/apps/v1` */
  path: string;
  text: string;
  hash: string;
}

const parameter = (name: string, type = 'string') => ({ name, in: 'query', schema: { type, uniqueItems: true } });

const writeParameters = [parameter('dryRun'), parameter('fieldManager'), parameter('fieldValidation')];
const listParameters = ['allowWatchBookmarks', 'continue', 'fieldSelector', 'labelSelector', 'limit', 'resourceVersion', 'resourceVersionMatch', 'sendInitialEvents', 'timeoutSeconds', 'watch'].map((name) => parameter(name));

const pathPrefix = (apiVersion: string) => (groupOf(apiVersion) ? `apis/${apiVersion}` : `api/${apiVersion}`);

function operation(apiVersion: string, kind: string, about: { action: string; parameters: object[] }): object {
  return {
    parameters: about.parameters,
    responses: { 200: { description: 'OK' } },
    'x-kubernetes-action': about.action,
    'x-kubernetes-group-version-kind': { group: groupOf(apiVersion), version: versionOf(apiVersion), kind },
  };
}

/** No request bodies: with them kubectl would compute patches from schemas instead of from its own types. */
function pathsOf(apiVersion: string, { plural, kind, namespaced, verbs }: ServedResource): [string, object][] {
  const base = `/${pathPrefix(apiVersion)}/${namespaced ? 'namespaces/{namespace}/' : ''}${plural}`;
  const make = (action: string, parameters: object[]) => operation(apiVersion, kind, { action, parameters });
  const post = make('post', writeParameters);
  if (!verbs.includes('get')) return [[base, { post }]];
  return [
    [base, { get: make('list', listParameters), post, delete: make('deletecollection', listParameters) }],
    [
      `${base}/{name}`,
      {
        get: make('get', []),
        put: make('put', writeParameters),
        patch: make('patch', [...writeParameters, parameter('force', 'boolean')]),
        delete: make('delete', [parameter('dryRun'), parameter('gracePeriodSeconds', 'integer'), parameter('propagationPolicy')]),
      },
    ],
  ];
}

function documentOf({ apiVersion, resources }: ServedVersion): OpenApiDocument {
  const paths = Object.fromEntries(resources.flatMap((resource) => pathsOf(apiVersion, resource)));
  const components = { schemas: { ...openApiSchemas(resources.map(({ kind }) => ({ apiVersion, kind }))), ...customSchemas(apiVersion, resources) } };
  const text = JSON.stringify({ openapi: '3.0.0', info: { title: 'Kubernetes', version: 'v1.32.0' }, paths, components });
  return { path: pathPrefix(apiVersion), text, hash: createHash('sha512').update(text).digest('hex').toUpperCase() };
}

/** Custom kinds refer to ObjectMeta, which the document must then hold too. */
function customSchemas(apiVersion: string, resources: readonly ServedResource[]): Record<string, unknown> {
  const own = resources.flatMap(({ kind, openApi }) => (openApi ? [[customSchemaName({ group: groupOf(apiVersion), version: versionOf(apiVersion), kind }), openApi()] as const] : []));
  return own.length === 0 ? {} : { ...metadataSchemas(), ...Object.fromEntries(own) };
}

export const openApiDocuments = (registry: KindRegistry): OpenApiDocument[] =>
  servedGroups(registry).flatMap(({ versions }) => versions.map(documentOf));

export const openApiIndex = (documents: readonly OpenApiDocument[]) => ({
  paths: Object.fromEntries(documents.map(({ path, hash }) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }])),
});
