// Where a proxied request goes: `[scheme:]name[:port]` of a pod or a service → a pod and a port of it.
import { ApiError, badRequest, notFoundError } from '../../../kube/meaning/api-error.ts';
import type { Endpoints, Pod, Service } from '../../../kube/objects/core.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Snapshot } from '../../../kube/store/store.ts';
import type { Api } from '../api.ts';
import type { Target } from '../router.ts';

export interface ProxyDestination {
  scheme: 'http' | 'https';
  pod: Pod;
  port: number;
}

interface ProxyName {
  scheme: 'http' | 'https';
  name: string;
  port: string;
}

/** Throws ApiError 400. */
export function parseProxyName(text: string): ProxyName {
  const parts = text.split(':');
  const [scheme, name, port] = parts.length === 3 ? parts : parts.length === 2 && isScheme(parts[0]!) ? [...parts, ''] : ['', ...parts, ''];
  if (parts.length > 3 || !name || (scheme && !isScheme(scheme))) throw badRequest(`invalid proxy request ${JSON.stringify(text)}`);
  return { scheme: scheme === 'https' ? 'https' : 'http', name, port: port ?? '' };
}

const isScheme = (text: string) => text === 'http' || text === 'https';

/** Throws ApiError 400, 404, 503. */
export function destinationOf(api: Api, target: Target): ProxyDestination {
  const asked = parseProxyName(target.name ?? '');
  const seen = api.store.snapshot();
  const found = seen.get(target.resource.stored, asked.name, target.namespace);
  if (!found) throw notFoundError(target.resource.kind, asked.name);
  if (target.resource.kind.kind === 'Service') return serviceDestination(api, seen, { service: found as Service, asked });
  const pod = found as Pod;
  return { scheme: asked.scheme, pod, port: podPort(pod, asked.port) };
}

function podPort({ spec }: Pod, asked: string): number {
  const ports = spec.containers.flatMap((container) => container.ports ?? []);
  const named = ports.find(({ name }) => name === asked)?.containerPort;
  const port = asked === '' ? (ports[0]?.containerPort ?? 80) : (named ?? Number(asked));
  if (!Number.isInteger(port)) throw badRequest(`no port ${JSON.stringify(asked)} in the pod`);
  return port;
}

const unavailable = (message: string) => new ApiError(503, 'ServiceUnavailable', message);

function serviceDestination(api: Api, seen: Snapshot, { service, asked }: { service: Service; asked: ProxyName }): ProxyDestination {
  const { name, namespace } = service.metadata;
  const ports = service.spec?.ports ?? [];
  const wanted = ports.find((one) => (asked.port === '' ? ports.length === 1 : one.name === asked.port || String(one.port) === asked.port));
  if (!wanted) throw unavailable(`no service port ${JSON.stringify(asked.port)} found for service ${JSON.stringify(name)}`);
  const endpoints = api.registry.find('v1', 'endpoints');
  const pods = api.registry.find('v1', 'pods');
  const known = endpoints && (seen.get(endpoints.stored, name, namespace) as Endpoints | undefined);
  const candidates = (known?.subsets ?? []).flatMap(({ addresses = [], ports: subsetPorts = [] }) => {
    const port = subsetPorts.find((one) => (one.name ?? '') === (wanted.name ?? ''))?.port;
    return port === undefined ? [] : addresses.map(({ ip, targetRef }) => ({ ip, podName: targetRef?.name, port }));
  });
  // Only addresses that a pod really has: endpoints anyone may write must not open the way to other hosts.
  const real = candidates.flatMap(({ ip, podName, port }) => {
    const pod = pods && podName && (seen.get(pods.stored, podName, namespace) as Pod | undefined);
    return pod && podIps(pod).includes(ip) ? [{ scheme: asked.scheme, pod, port }] : [];
  });
  const chosen = real[Math.floor(Math.random() * real.length)];
  if (!chosen) throw unavailable(`no endpoints available for service ${JSON.stringify(name)}`);
  return chosen;
}

function podIps(pod: KubeObject): string[] {
  const { podIP, podIPs = [] } = (pod as Pod).status ?? {};
  return [podIP, ...podIPs.map(({ ip }) => ip)].filter((ip) => ip !== undefined);
}
