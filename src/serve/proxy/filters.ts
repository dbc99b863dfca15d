// What happens to a request between its route and its endpoint, in order. The order is the order of effects that
// ingress-nginx users rely on: redirects answer before any rewrite (and later before authentication and limits).
import type { Route, RouteFilter } from '../../model/network-model.ts';
import { type Answer, redirect } from './request/answers.ts';
import type { Inbound } from './request/inbound.ts';

/** A filter answers the request, or gives the target to go on with. */
type Filter<T extends RouteFilter['type']> = (filter: Extract<RouteFilter, { type: T }>, request: Inbound, target: string) => Answer | string;

const redirectToHttps: Filter<'redirect-to-https'> = ({ code }, { head, client }, target) =>
  client.scheme === 'https' || isAcmeChallenge(target) || head.host === '' ? target : redirect(code, `https://${withoutPort(head.authority)}${head.target}`);

const replacePath: Filter<'replace-path'> = ({ path }, _request, target) => path + queryOf(target);

/** The record makes a forgotten filter a type error; its order is the order of the phases. */
const phases: { readonly [T in RouteFilter['type']]: Filter<T> } = {
  'redirect-to-https': redirectToHttps,
  'replace-path': replacePath,
};

const order = Object.keys(phases) as RouteFilter['type'][];

/** The target to forward, or the answer of the first filter that gives one. */
export function applyFilters(route: Route, request: Inbound): Answer | string {
  let target = request.head.target;
  if (!route.filters) return target;
  for (const type of order)
    for (const filter of route.filters) {
      if (filter.type !== type) continue;
      const result = (phases[type] as Filter<typeof type>)(filter as never, request, target);
      if (typeof result !== 'string') return result;
      target = result;
    }
  return target;
}

/** Certificates are issued over plain HTTP (RFC 8555 section 8.3): never redirect that. */
const isAcmeChallenge = (target: string): boolean => target.startsWith('/.well-known/acme-challenge/');

const withoutPort = (authority: string): string => authority.replace(/:\d*$/, '');

const queryOf = (target: string): string => {
  const at = target.indexOf('?');
  return at < 0 ? '' : target.slice(at);
};
