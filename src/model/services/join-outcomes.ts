// What Services have to settle among each other: contested addresses, and the lists that the whole model shows.
// Serves compile-services.ts. Only Services that are loud take part, and those are few.
import { deepEqual, sameItems } from '../../base/data/memo.ts';
import type { Problem, ServicePort } from '../network-model.ts';
import { claimsAddresses, settleClaims } from './settle-claims.ts';
import type { ServiceOutcome } from './service-ports.ts';

export interface Joined {
  /** Every port that claims addresses, by its key, without those it lost. */
  readonly claims: ReadonlyMap<string, ServicePort>;
  readonly balanced: readonly ServicePort[];
  readonly problems: readonly Problem[];
}

/** Has problems, or addresses that another Service may claim, too. */
export const isLoud = (outcome: ServiceOutcome | undefined): boolean => outcome !== undefined && (outcome.problems.length > 0 || outcome.ports.some(claimsAddresses));

/** `loud` by Service key, in any order. */
export function joinLoud(loud: ReadonlyMap<string, ServiceOutcome>): Joined {
  const outcomes = [...loud].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, outcome]) => outcome);
  const claimants = outcomes.flatMap(({ ports, since }) => ports.filter(claimsAddresses).map((port) => ({ port, since })));
  const { losers, problems } = settleClaims(claimants);
  const claims = new Map(claimants.map(({ port }) => [port.key, losers.get(port.key) ?? port]));
  const balanced = [...claims.values()].filter(({ virtual }) => virtual.some(({ type }) => type === 'loadBalancer'));
  return { claims, balanced, problems: [...outcomes.flatMap((outcome) => outcome.problems), ...problems] };
}

/** Lists that say the same keep their identity. */
export const keepJoined = (last: Joined | undefined, { claims, balanced, problems }: Joined): Joined => ({
  claims,
  balanced: last && sameItems(last.balanced, balanced) ? last.balanced : balanced,
  problems: deepEqual(last?.problems, problems) ? (last?.problems ?? []) : problems,
});
