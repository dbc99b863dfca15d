// What becomes of one request: an answer of our own, or a backend and the target to ask it for.
import { findHost, findRoute, requestPath } from '../../../model/routes/find-route.ts';
import { type HostRoutes, type Listener, printRef, type Route, type RouteBackend } from '../../../model/network-model.ts';
import { type Answer, answer } from './answers.ts';
import { applyFilters } from '../filters.ts';
import type { Inbound } from './inbound.ts';

export type Decision =
  | { readonly answer: Answer; readonly route?: Route }
  | { readonly backend: Extract<RouteBackend, { type: 'endpoints' }>; readonly target: string; readonly route: Route };

export function decide(listeners: ReadonlyMap<string, Listener>, request: Inbound): Decision {
  const { host, target } = request.head;
  const routes = hostOf(listeners.get(request.client.listener), host);
  const path = target === '*' ? '/' : requestPath(target);
  if (path === undefined) return { answer: answer(400) };
  const route = routes && findRoute(routes, path);
  if (!route) return { answer: answer(404) };
  const filtered = applyFilters(route, request);
  if (typeof filtered !== 'string') return { answer: filtered, route };
  if (route.backend.type === 'answer') return { answer: answer(route.backend.code), route };
  return { backend: route.backend, target: filtered, route };
}

const hostOf = (listener: Listener | undefined, host: string): HostRoutes | undefined => listener && findHost(listener.hosts, host);

/** How a backend is named in metrics, logs and round-robin turns. */
export const backendName = (backend: Extract<RouteBackend, { type: 'endpoints' }>): string => `${printRef(backend.service)}:${backend.port}`;
