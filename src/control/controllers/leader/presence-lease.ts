// The Leases by which API servers say where they are: how one looks, and which of them still live.
// Times in a Lease are other machines' clocks, so what counts is how long it was seen unchanged (as in lease-decision.ts);
// only of one that is seen for the first time its own time says whether it is a ruin.
import { leaseKind } from '../../../kube/kinds/lease.ts';
import type { Lease } from '../../../kube/objects/networking.ts';
import type { Snapshot } from '../../../kube/store/store.ts';

export interface ApiServerAddress {
  readonly address: string;
  readonly port: number;
}

export const presenceNamespace = 'kube-system';
export const presenceLabels: Record<string, string> = { 'apiserver.kubernetes.io/identity': 'kube-apiserver' };
export const presenceAnnotation = 'fairlead.dev/api-server';

export const printApiServer = ({ address, port }: ApiServerAddress): string => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);

function readApiServer(text: string | undefined): ApiServerAddress | undefined {
  const [, six, four, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text ?? '') ?? [];
  const address = six ?? four;
  return address ? { address, port: Number(port) } : undefined;
}

interface Seen {
  readonly renewTime: string | undefined;
  readonly sinceMs: number;
}

export interface Presences {
  /** Living servers, in the order of their addresses, and Leases that nobody renews since long. */
  look(seen: Snapshot, now: Date): { servers: ApiServerAddress[]; ruins: Lease[] };
  /** Until the next of the living is gone, if it stays silent; undefined when none lives. */
  untilNextMs(seen: Snapshot, now: Date): number | undefined;
}

/** Clocks of a cluster differ by less. */
const skewMs = 60_000;
const ruinMs = 3_600_000;

/** Remembers since when it has seen each Lease as it is. */
export function watchPresences(): Presences {
  const memory = new Map<string, Seen>();

  const leases = (seen: Snapshot): Lease[] =>
    seen.list(leaseKind).filter(({ metadata }) => metadata.namespace === presenceNamespace && metadata.annotations?.[presenceAnnotation] !== undefined);

  const durationMs = ({ spec }: Lease): number => (spec?.leaseDurationSeconds ?? 15) * 1000;

  function sinceMs(lease: Lease, now: Date): number {
    const { metadata: { name }, spec } = lease;
    const known = memory.get(name);
    if (known && known.renewTime === spec?.renewTime) return known.sinceMs;
    const saidMs = Date.parse(spec?.renewTime ?? '') || 0;
    const isRuin = !known && saidMs + durationMs(lease) + skewMs < now.getTime();
    const since = isRuin ? saidMs : now.getTime();
    memory.set(name, { renewTime: spec?.renewTime, sinceMs: since });
    return since;
  }

  const leftMs = (lease: Lease, now: Date): number => sinceMs(lease, now) + durationMs(lease) - now.getTime();

  return {
    look(seen, now) {
      const all = leases(seen);
      const names = new Set(all.map(({ metadata }) => metadata.name));
      for (const name of memory.keys()) if (!names.has(name)) memory.delete(name);
      const living = all.filter((lease) => leftMs(lease, now) > 0);
      const servers = living.flatMap(({ metadata }) => readApiServer(metadata.annotations?.[presenceAnnotation]) ?? []);
      const ruins = all.filter((lease) => leftMs(lease, now) < -ruinMs);
      return { servers: servers.toSorted((a, b) => (printApiServer(a) < printApiServer(b) ? -1 : 1)), ruins };
    },
    untilNextMs(seen, now) {
      const waits = leases(seen).map((lease) => leftMs(lease, now)).filter((left) => left > 0);
      return waits.length > 0 ? Math.min(...waits) : undefined;
    },
  };
}
