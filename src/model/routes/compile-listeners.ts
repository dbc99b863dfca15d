// Ingress objects → the listeners of the gateway: `*:80` and `*:443`, hosts merged over Ingresses, paths in order.
// Total and pure: what is wrong in an Ingress becomes a Problem and touches no other Ingress (ICT-17).
//
//   Ingresses of our classes, oldest first ─▶ one draft per host ─▶ HostRoutes for HTTP (redirects) and HTTPS (certificates)
import { deepEqual, keepIdentity } from '../../base/data/memo.ts';
import { ingressClassKind } from '../../kube/kinds/ingress-class.ts';
import { ingressKind } from '../../kube/kinds/ingress.ts';
import type { Ref } from '../../kube/objects/meta.ts';
import type { Ingress, IngressBackend, IngressPath } from '../../kube/objects/networking.ts';
import type { Snapshot } from '../../kube/store/store.ts';
import { type HostRoutes, type Listener, printRef, type Problem, type Route, type RouteFilter, type Scope } from '../network-model.ts';
import { resolveBackend } from './backends.ts';
import { ingressCertificates } from './certificates.ts';
import { normalPrefix } from './find-route.ts';
import { ingressRef, servedIngresses } from './served-ingresses.ts';

export interface CompiledListeners {
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly problems: readonly Problem[];
}

interface DraftRoute extends Route {
  /** Plain HTTP requests are sent to https first. */
  readonly redirect: boolean;
}

interface HostDraft {
  readonly host: string;
  readonly origin: Ref;
  readonly routes: Map<string, DraftRoute>;
  /** The default backend of the oldest Ingress of this host that has one. */
  fallback?: DraftRoute;
  certificate?: HostRoutes['certificate'];
}

interface Draft {
  readonly seen: Snapshot;
  readonly scope: Scope;
  readonly hosts: Map<string, HostDraft>;
  readonly problems: Problem[];
}

const lastOf = new WeakMap<Scope, CompiledListeners>();

/** Entries that did not change keep their identity from the last call with the same Scope object. */
export function compileListeners(seen: Snapshot, scope: Scope): CompiledListeners {
  const controllers = scope.ingressControllers ?? [];
  const draft: Draft = { seen, scope, hosts: new Map(), problems: [] };
  if (controllers.length > 0)
    for (const ingress of servedIngresses(seen.list(ingressKind), seen.list(ingressClassKind), controllers, draft.problems)) addIngress(ingress, draft);
  const before = lastOf.get(scope);
  const result = {
    listeners: controllers.length > 0 ? keepListeners(before, draft) : new Map<string, Listener>(),
    problems: before && deepEqual(before.problems, draft.problems) ? before.problems : draft.problems,
  };
  lastOf.set(scope, result);
  return result;
}

function addIngress(ingress: Ingress, draft: Draft): void {
  const namespace = ingress.metadata.namespace ?? '';
  const about = ingressRef(ingress);
  const certificates = ingressCertificates(ingress, draft.seen, draft.problems);
  const resolve = (backend: IngressBackend) => {
    const { backend: resolved, problem } = resolveBackend(backend, namespace, draft.seen, draft.scope);
    if (problem) draft.problems.push({ about, ...problem });
    return resolved;
  };
  const routeTo = (match: Route['match'], backend: IngressBackend, host: string): DraftRoute => ({
    match,
    ...filtersOf(ingress),
    backend: resolve(backend),
    origin: about,
    redirect: wantsRedirect(ingress, host !== '*' && certificates.wantsTls(host)),
  });
  const touched = new Set<HostDraft>();
  for (const rule of ingress.spec.rules ?? []) {
    const host = hostDraft(rule.host?.toLowerCase() || '*', about, draft);
    touched.add(host);
    if (host.host !== '*') host.certificate ??= certificates.find(host.host);
    for (const path of rule.http?.paths ?? []) claim(routeTo(matchOf(path), path.backend, host.host), host, draft);
  }
  if (ingress.spec.defaultBackend) addFallback(touched, (host) => routeTo(root, ingress.spec.defaultBackend!, host.host), about, draft);
}

const root: Route['match'] = { type: 'Prefix', path: '/' };

/** Every host of the Ingress falls back on its default backend; requests for hosts nobody names use the oldest one. */
function addFallback(touched: Set<HostDraft>, make: (host: HostDraft) => DraftRoute, about: Ref, draft: Draft): void {
  const everyone = hostDraft('*', about, draft);
  if (touched.size === 0 && everyone.fallback) draft.problems.push(conflict(about, 'the default backend', everyone.fallback.origin));
  for (const host of touched.add(everyone)) host.fallback ??= make(host);
}

function hostDraft(host: string, origin: Ref, draft: Draft): HostDraft {
  const found = draft.hosts.get(host) ?? { host, origin, routes: new Map() };
  draft.hosts.set(host, found);
  return found;
}

/** First come, first served: Ingresses arrive oldest first (ING-49). */
function claim(route: DraftRoute, host: HostDraft, draft: Draft): void {
  const key = `${route.match.type} ${route.match.path}`;
  const owner = host.routes.get(key);
  if (owner) draft.problems.push(conflict(route.origin, `${host.host} ${key}`, owner.origin));
  else host.routes.set(key, route);
}

const conflict = (about: Ref, what: string, owner: Ref): Problem => ({
  about,
  reason: 'RouteConflict',
  message: `${what} already belongs to ${printRef(owner)}, which is older`,
});

/** ImplementationSpecific is Prefix here, with a final `/*` meaning everything below (ING-43). */
function matchOf({ path = '/', pathType }: IngressPath): Route['match'] {
  if (pathType === 'Exact') return { type: 'Exact', path };
  return { type: 'Prefix', path: normalPrefix(pathType === 'Prefix' ? path : path.replace(/\/?\*$/, '')) };
}

/** The nginx spelling too, because that is what manifests carry. */
const annotation = ({ metadata }: Ingress, name: string): string | undefined =>
  metadata.annotations?.[`fairlead.dev/${name}`] ?? metadata.annotations?.[`nginx.ingress.kubernetes.io/${name}`];

function filtersOf(ingress: Ingress): { filters?: readonly RouteFilter[] } {
  const target = annotation(ingress, 'rewrite-target');
  return target?.startsWith('/') && !target.includes('$') ? { filters: [{ type: 'replace-path', path: target }] } : {};
}

const wantsRedirect = (ingress: Ingress, tls: boolean): boolean =>
  annotation(ingress, 'force-ssl-redirect') === 'true' || (tls && annotation(ingress, 'ssl-redirect') !== 'false');

function keepListeners(before: CompiledListeners | undefined, draft: Draft): ReadonlyMap<string, Listener> {
  const drafts = [...draft.hosts.values()].toSorted(byHost);
  const listeners = new Map<string, Listener>();
  for (const [port, protocol] of [[80, 'HTTP'], [443, 'HTTPS']] as const) {
    const key = `*:${port}`;
    const old = before?.listeners.get(key);
    const hosts = keepIdentity(old?.hosts, new Map(drafts.map((each) => [each.host, hostRoutes(each, protocol)])));
    listeners.set(key, old && old.hosts === hosts ? old : { key, port, protocol, hosts });
  }
  return before && [...listeners].every(([key, value]) => before.listeners.get(key) === value) ? before.listeners : listeners;
}

function hostRoutes({ host, origin, routes, fallback, certificate }: HostDraft, protocol: Listener['protocol']): HostRoutes {
  const all = [...routes.values()];
  if (fallback && !routes.has('Prefix /')) all.push(fallback);
  const finished = all.toSorted(byPath).map(({ redirect, ...route }): Route =>
    redirect && protocol === 'HTTP' ? { ...route, filters: [{ type: 'redirect-to-https', code: 308 }, ...(route.filters ?? [])] } : route,
  );
  return { host, ...(certificate && protocol === 'HTTPS' ? { certificate } : {}), routes: finished, origin };
}

/** Longest path first; of equal length, Exact before Prefix (ING-42). */
const byPath = (a: Route, b: Route): number =>
  b.match.path.length - a.match.path.length || a.match.type.localeCompare(b.match.type) || (a.match.path < b.match.path ? -1 : 1);

/** Exact names, wildcards by length, then everyone. */
const byHost = (a: HostDraft, b: HostDraft): number =>
  rank(a.host) - rank(b.host) || (rank(a.host) === 1 ? b.host.length - a.host.length : 0) || (a.host < b.host ? -1 : 1);

const rank = (host: string): number => (host === '*' ? 2 : host.startsWith('*') ? 1 : 0);
