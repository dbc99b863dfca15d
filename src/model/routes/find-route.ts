// Which route a request takes: by host, then by path. One answer for proxy, trace and tests.
// Costs a few map look-ups whatever the number of routes; equal to reading HostRoutes.routes from the top.
import { memoByIdentity } from '../../base/data/memo.ts';
import type { HostRoutes, Route } from '../network-model.ts';

/** Exact name, then a wildcard of one label, then everyone (ING-44…47). `name` is lower-case and without port. */
export function findHost(hosts: ReadonlyMap<string, HostRoutes>, name: string): HostRoutes | undefined {
  return hosts.get(name) ?? hosts.get(wildcardOf(name)) ?? hosts.get('*');
}

/** `bar.foo.com` → `*.foo.com`; a name without dots has none. */
export function wildcardOf(name: string): string {
  const dot = name.indexOf('.');
  return dot > 0 ? `*${name.slice(dot)}` : '';
}

/** `path` as made by requestPath. Exact beats Prefix because only the whole path can match it (ING-42). */
export function findRoute(host: HostRoutes, path: string): Route | undefined {
  const { exact, prefixes } = indexOf(host);
  const whole = exact.get(path);
  if (whole) return whole;
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    const found = prefixes.get(path.slice(0, end));
    if (found) return found;
  }
  return prefixes.get('/');
}

const indexOf = memoByIdentity((host: HostRoutes) => {
  const exact = new Map<string, Route>();
  const prefixes = new Map<string, Route>();
  for (const route of host.routes) {
    const map = route.match.type === 'Exact' ? exact : prefixes;
    if (!map.has(route.match.path)) map.set(route.match.path, route);
  }
  return { exact, prefixes };
});

/** How a Prefix is kept: without its trailing slash, which counts for nothing (ING-28, ING-31). */
export const normalPrefix = (path: string): string => path.replace(/\/+$/, '') || '/';

/**
 * The path that rules are matched against: no query, percent-decoded, `//`, `/./` and `/../` resolved, so that no
 * spelling of a path slips past its rule. undefined = it climbs above the root or does not decode: refuse it.
 */
export function requestPath(target: string): string | undefined {
  const end = target.search(/[?#]/);
  const raw = end < 0 ? target : target.slice(0, end);
  if (!/%|\/\/|\/\./.test(raw)) return raw;
  const path = decodePath(raw);
  return path === undefined ? undefined : resolveDots(path);
}

function decodePath(raw: string): string | undefined {
  try {
    const path = decodeURIComponent(raw);
    return path.includes('\0') ? undefined : path;
  } catch {
    return undefined; // not UTF-8 or a lone '%': no rule can mean it
  }
}

function resolveDots(path: string): string | undefined {
  const kept: string[] = [];
  const parts = path.split('/').slice(1);
  for (const [at, part] of parts.entries()) {
    const last = at === parts.length - 1;
    if (part === '..' && kept.pop() === undefined) return undefined;
    if (part !== '' && part !== '.' && part !== '..') kept.push(part);
    else if (last) kept.push('');
  }
  return `/${kept.join('/')}`;
}
