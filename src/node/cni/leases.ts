// Which pod of this node holds which addresses: unique while held, reused only after release (NET-01, NET-18).
// The one thing besides the store that is remembered on disk: a pod keeps its addresses when the program restarts.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { addressOf, printAddress } from '../../base/net/address.ts';
import { contains, nthAddress, type Prefix, prefixOf, printPrefix, sizeOf } from '../../base/net/prefix.ts';

export interface Leases {
  /** One address per range, the same ones for the same owner. Throws RangesExhausted. */
  acquire(owner: string, ranges: readonly string[]): readonly string[];
  release(owner: string): void;
  /** Releases what nobody in `owners` holds: after a crash. */
  keepOnly(owners: ReadonlySet<string>): void;
  owners(): readonly string[];
}

export class RangesExhausted extends Error {
  constructor(range: string) {
    super(`no free address in ${range}`);
  }
}

interface Saved {
  leases: Record<string, readonly string[]>;
  /** Per range, the offset handed out last: the search goes on from there, so that a freed address rests longest. */
  last: Record<string, string>;
}

const nothing: Saved = { leases: {}, last: {} };

function readSaved(file: string | undefined): Saved {
  if (file === undefined) return structuredClone(nothing);
  try {
    return { ...nothing, ...(JSON.parse(readFileSync(file, 'utf8')) as Saved) };
  } catch {
    // Missing on the first start. Damaged is no worse: addresses of running pods are then handed out anew.
    return structuredClone(nothing);
  }
}

/** IPv4 leaves out network and broadcast; both families leave out offset 1, the node's own address in the range. */
function usableOffsets(range: Prefix): { first: bigint; last: bigint } {
  return { first: 2n, last: sizeOf(range) - (range.family === 4 ? 2n : 1n) };
}

/** `file` absent: kept in memory only (tests). */
export function openLeases(file?: string): Leases {
  const saved = readSaved(file);
  const leases = new Map(Object.entries(saved.leases));
  const last = new Map(Object.entries(saved.last));
  const taken = new Set([...leases.values()].flat());

  /** Renamed into place, so that a crash leaves the old file or the new one. */
  function save() {
    if (file === undefined) return;
    mkdirSync(dirname(file), { recursive: true });
    const content: Saved = { leases: Object.fromEntries(leases), last: Object.fromEntries(last) };
    writeFileSync(`${file}.new`, JSON.stringify(content));
    renameSync(`${file}.new`, file);
  }

  function nextFree(range: Prefix): string {
    const name = printPrefix(range);
    const { first, last: end } = usableOffsets(range);
    const count = end - first + 1n;
    let offset = BigInt(last.get(name) ?? first - 1n);
    for (let tried = 0n; tried < count && tried <= BigInt(taken.size); tried++) {
      offset = offset >= end ? first : offset + 1n;
      const address = printAddress(nthAddress(range, offset));
      if (taken.has(address)) continue;
      last.set(name, String(offset));
      return address;
    }
    throw new RangesExhausted(name);
  }

  function drop(owner: string) {
    for (const address of leases.get(owner) ?? []) taken.delete(address);
    leases.delete(owner);
  }

  return {
    acquire(owner, ranges) {
      const prefixes = ranges.map(prefixOf);
      const held = leases.get(owner);
      const fits = held?.length === prefixes.length && held.every((address, i) => contains(prefixes[i]!, addressOf(address)));
      if (held && fits) return held;
      drop(owner);
      const addresses = prefixes.map(nextFree);
      for (const address of addresses) taken.add(address);
      leases.set(owner, addresses);
      save();
      return addresses;
    },
    release(owner) {
      if (!leases.has(owner)) return;
      drop(owner);
      save();
    },
    keepOnly(owners) {
      const gone = [...leases.keys()].filter((owner) => !owners.has(owner));
      for (const owner of gone) drop(owner);
      if (gone.length > 0) save();
    },
    owners: () => [...leases.keys()],
  };
}
