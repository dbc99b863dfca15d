// From a path to what it names. Pure: knows the shape of paths, asks the registry which resources exist.
// /api/v1/namespaces/{ns}/{plural}/{name}/{subresource}/{rest…}; a namespace itself is /api/v1/namespaces/{name}.
import { unknownResourceError } from '../../kube/meaning/api-error.ts';
import type { KindRegistry, Resource } from './registry.ts';

export interface Target {
  resource: Resource;
  namespace?: string;
  name?: string;
  subresource?: string;
  /** What follows `…/proxy`, with its leading slash; '' when there is nothing, not even a slash. */
  rest: string;
}

export interface ResourcePath {
  apiVersion: string;
  plural: string;
  namespace?: string;
  name?: string;
  subresource?: string;
  rest: string;
  /** `/api/v1/watch/…`, the old way to ask for a watch. */
  watch: boolean;
}

const namespaceSubresources = new Set(['status', 'finalize']);

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // A stray percent sign names nothing that exists; the lookup will say so.
    return segment;
  }
}

/** undefined: the path names no resource (discovery, health and unknown paths). */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const raw = path.split('/').slice(1);
  if (raw[0] !== 'api' && raw[0] !== 'apis') return undefined;
  const prefix = raw[0] === 'api' ? 2 : 3;
  if (!raw[prefix]) return undefined;
  const apiVersion = raw.slice(1, prefix).join('/');
  const watch = raw[prefix] === 'watch' && raw.length > prefix + 1;
  return { apiVersion, watch, ...parseNames(raw.slice(watch ? prefix + 1 : prefix)) };
}

function parseNames(segments: readonly string[]): Omit<ResourcePath, 'apiVersion' | 'watch'> {
  const third = segments[2];
  const scoped = segments[0] === 'namespaces' && Boolean(third) && !namespaceSubresources.has(third!);
  const [plural = '', name, subresource, ...rest] = scoped ? segments.slice(2) : segments;
  return {
    plural,
    rest: rest.length ? `/${rest.join('/')}` : '',
    ...(scoped && { namespace: decoded(segments[1]!) }),
    ...(name && { name: decoded(name) }),
    ...(subresource && { subresource }),
  };
}

/** Throws ApiError 404 when the path's resource is not served, or not in that scope. */
export function targetOf(registry: KindRegistry, path: ResourcePath): Target {
  const resource = registry.find(path.apiVersion, path.plural);
  if (!resource) throw unknownResourceError();
  const { namespaced } = resource.kind;
  if (!namespaced && path.namespace !== undefined) throw unknownResourceError();
  if (namespaced && path.namespace === undefined && path.name !== undefined) throw unknownResourceError();
  const { namespace, name, subresource, rest } = path;
  return { resource, namespace, name, subresource, rest };
}
