// How many cluster IPs each Service range has given, under the names that kube-apiserver uses. What is in use is read from
// the Services; what was handed out, and what could not be, is counted as requests come.
import { parseAddress } from '../../../base/net/address.ts';
import { contains } from '../../../base/net/prefix.ts';
import { ApiError } from '../../../kube/meaning/api-error.ts';
import type { ServiceRange } from '../../../kube/kinds/cluster-config.ts';
import { serviceCidrKind } from '../../../kube/kinds/service-cidr.ts';
import { serviceKind } from '../../../kube/kinds/service.ts';
import { addressBands } from '../../../kube/kinds/service/allocate-addresses.ts';
import { allocates, rangesOf } from '../../../kube/kinds/service/ranges.ts';
import type { Service } from '../../../kube/objects/core.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { ObjectStore, Snapshot, Write } from '../../../kube/store/store.ts';

export interface RangeUse {
  cidr: string;
  allocated: number;
  available: number;
}

export interface Handed {
  cidr: string;
  /** Whether the client asked for the address or was given one. */
  scope: 'static' | 'dynamic';
  given: number;
  refused: number;
}

export interface ClusterIpCounts {
  /** A write of a Service, and what became of it. */
  write(store: ObjectStore, write: Write, old?: KubeObject): Promise<KubeObject>;
  handed(): readonly Handed[];
}

const isService = ({ kind, apiVersion }: { kind: string; apiVersion: string }): boolean => kind === 'Service' && apiVersion === 'v1';

const addressesOf = (object: KubeObject | undefined): readonly string[] => {
  const { clusterIPs, clusterIP } = ((object as Service | undefined)?.spec ?? {}) as Service['spec'];
  return (clusterIPs ?? (clusterIP ? [clusterIP] : [])).filter((ip) => ip && ip !== 'None');
};

const allRanges = (seen: Snapshot): ServiceRange[] => seen.list(serviceCidrKind).filter(allocates).flatMap(rangesOf);

function holds({ prefix }: ServiceRange, ip: string): boolean {
  const address = parseAddress(ip);
  return address?.family === prefix.family && contains(prefix, address);
}

/** Each range with what it has left; a range that overlaps another counts what it holds itself. */
export function rangesInUse(seen: Snapshot): RangeUse[] {
  const used = seen.list(serviceKind).flatMap(addressesOf);
  return allRanges(seen).map((range) => {
    const { first, last } = addressBands(range.prefix);
    const allocated = used.filter((ip) => holds(range, ip)).length;
    return { cidr: range.text, allocated, available: Number(last - first + 1n) - allocated };
  });
}

export function createClusterIpCounts(): ClusterIpCounts {
  const counts = new Map<string, Handed>();

  function count(seen: Snapshot, ip: string | undefined, about: { isAsked: boolean; refused?: boolean }): void {
    const ranges = allRanges(seen);
    const cidr = (ranges.find((range) => ip !== undefined && holds(range, ip)) ?? ranges[0])?.text ?? '';
    const scope = about.isAsked ? 'static' : 'dynamic';
    const known = counts.get(`${cidr} ${scope}`) ?? { cidr, scope, given: 0, refused: 0 };
    if (about.refused) known.refused += 1;
    else known.given += 1;
    counts.set(`${cidr} ${scope}`, known);
  }

  return {
    async write(store, write, old) {
      if (write.verb === 'delete' || !isService(write.object) || write.dryRun) return store.write(write);
      const asked = new Set(addressesOf(write.object));
      const had = new Set(addressesOf(old));
      try {
        const stored = await store.write(write);
        for (const ip of addressesOf(stored)) if (!had.has(ip)) count(store.snapshot(), ip, { isAsked: asked.has(ip) });
        return stored;
      } catch (error) {
        const refusal = error instanceof ApiError ? /failed to allocate (?:IP (\S+):|a serviceIP)/.exec(error.message) : null;
        if (refusal) count(store.snapshot(), refusal[1], { isAsked: refusal[1] !== undefined, refused: true });
        throw error;
      }
    },
    handed: () => [...counts.values()],
  };
}
