// Who leads, by a Lease: a pure decision of one candidate about what it sees. Times in the Lease are other machines' clocks,
// so they are never compared with ours: what counts is how long we have seen the Lease unchanged.
// Fields: https://kubernetes.io/docs/concepts/architecture/leases/#leader-election
import type { Lease } from '../../../kube/objects/networking.ts';
import type { Write } from '../../../kube/store/store.ts';

export interface LeaseTiming {
  /** How long others wait for a leader that is silent. */
  leaseMs: number;
  /** A leader that could not renew for so long stops leading; below leaseMs. */
  renewDeadlineMs: number;
  /** Between looks. */
  retryMs: number;
}

export const usualTiming: LeaseTiming = { leaseMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2_000 };

export interface Candidate {
  /** Unique among all candidates, ever. */
  identity: string;
  name: string;
  namespace: string;
  timing: LeaseTiming;
}

/** The version of the Lease that was seen last, and since when. */
export interface Observed {
  version: string | undefined;
  sinceMs: number;
}

export interface LeaseDecision {
  observed: Observed;
  /** Its success means: we lead. Absent: somebody else does. */
  write?: Write;
}

/** Lease times carry microseconds. */
const printMicroTime = (time: Date): string => time.toISOString().replace('Z', '000Z');

export function decideLease(candidate: Candidate, lease: Lease | undefined, before: Observed, now: Date): LeaseDecision {
  const version = lease?.metadata.resourceVersion;
  const observed = version === before.version ? before : { version, sinceMs: now.getTime() };
  if (!lease) return { observed, write: { verb: 'create', object: claim(candidate, undefined, now) } };
  const { holderIdentity, leaseDurationSeconds = candidate.timing.leaseMs / 1000 } = lease.spec ?? {};
  const isOurs = holderIdentity === candidate.identity;
  const isFree = !holderIdentity || now.getTime() >= observed.sinceMs + leaseDurationSeconds * 1000;
  if (!isOurs && !isFree) return { observed };
  return { observed, write: { verb: 'update', object: claim(candidate, lease, now) } };
}

/** Ours from now on. Conditional on the version seen: of two that claim, one is refused. */
function claim({ identity, name, namespace, timing }: Candidate, old: Lease | undefined, now: Date): Lease {
  const time = printMicroTime(now);
  const term = termOf(old, identity) ?? { acquireTime: time, leaseTransitions: old ? (old.spec?.leaseTransitions ?? 0) + 1 : 0 };
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: old?.metadata ?? { name, namespace },
    spec: { ...old?.spec, ...term, holderIdentity: identity, leaseDurationSeconds: Math.ceil(timing.leaseMs / 1000), renewTime: time },
  };
}

/** What a renewal leaves as it is; undefined when the term is another's. */
function termOf(old: Lease | undefined, identity: string): Pick<NonNullable<Lease['spec']>, 'acquireTime' | 'leaseTransitions'> | undefined {
  if (old?.spec?.holderIdentity !== identity) return undefined;
  const { acquireTime, leaseTransitions } = old.spec;
  return { acquireTime, leaseTransitions };
}

/** Given up at once, so that the next leader need not wait; undefined when it is not ours to give. */
export function releaseLease({ identity }: Candidate, lease: Lease | undefined, now: Date): Write | undefined {
  if (lease?.spec?.holderIdentity !== identity) return undefined;
  const time = printMicroTime(now);
  const spec = { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: time, acquireTime: time };
  return { verb: 'update', object: { ...lease, spec } as Lease };
}
