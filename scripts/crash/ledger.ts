// What was acknowledged, over all rounds, and whether the store still says so. Only what a writer had begun when it was
// killed may be either way.
import { configMapKind } from '../../src/kube/kinds/config-map.ts';
import { serviceKind } from '../../src/kube/kinds/service.ts';
import type { Service } from '../../src/kube/objects/core.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import type { Snapshot } from '../../src/kube/store/store.ts';
import type { Said } from './writer.ts';

export interface Ledger {
  /** Takes what one process said until it died, in order. */
  note(lines: readonly Said[]): void;
  /** Every way in which the store is not as acknowledged; what was uncertain is settled by it. */
  check(seen: Snapshot): string[];
  acknowledged(): number;
}

interface Entry {
  revision: number;
  uid?: string;
  ip?: string;
  nodePort?: number;
}

const keyOf = ({ kind, name }: { kind: string; name: string }): string => `${kind}/${name}`;

export function createLedger(): Ledger {
  const known = new Map<string, Entry>();
  const revisions = new Map<number, string>();
  let uncertain = new Map<string, Said>();
  let wrong: string[] = [];
  let acknowledged = 0;

  function noteDone(said: Said): void {
    const key = keyOf(said);
    const revision = said.revision!;
    acknowledged += 1;
    // An update that changes nothing is answered with the revision that stands.
    const isSame = known.get(key)?.revision === revision;
    if (!isSame && revisions.has(revision)) wrong.push(`revision ${revision} of ${key} was given to ${revisions.get(revision)} before`);
    revisions.set(revision, key);
    if (said.verb === 'delete') known.delete(key);
    else known.set(key, { revision, uid: said.uid, ip: said.ip, nodePort: said.nodePort });
  }

  function checkKnown(key: string, entry: Entry, object: KubeObject | undefined): void {
    const begun = uncertain.get(key);
    if (!object) {
      if (begun?.verb !== 'delete') wrong.push(`${key}, acknowledged at revision ${entry.revision}, is lost`);
      return;
    }
    const revision = Number(object.metadata.resourceVersion);
    if (revision < entry.revision) wrong.push(`${key} went back from revision ${entry.revision} to ${revision}`);
    if (revision > entry.revision && !begun) wrong.push(`${key} is at revision ${revision}, but nobody wrote after ${entry.revision}`);
    if (object.metadata.uid !== entry.uid) wrong.push(`${key} is another object than was acknowledged`);
    const { ip, nodePort } = entryOf(object);
    if (ip !== entry.ip || (nodePort !== entry.nodePort && !begun)) wrong.push(`${key} had ${entry.ip} and port ${entry.nodePort}, now ${ip} and ${nodePort}`);
  }

  return {
    note(lines) {
      for (const said of lines) {
        if (said.does === 'begin') uncertain.set(keyOf(said), said);
        else {
          uncertain.delete(keyOf(said));
          noteDone(said);
        }
      }
    },
    check(seen) {
      const stored = new Map([...seen.list<KubeObject>(configMapKind), ...seen.list<KubeObject>(serviceKind)].map((each) => [keyOf({ kind: each.kind, name: each.metadata.name }), each]));
      for (const [key, entry] of known) checkKnown(key, entry, stored.get(key));
      for (const key of stored.keys()) if (!known.has(key) && !uncertain.has(key)) wrong.push(`${key} is there, but was deleted or never begun`);
      wrong.push(...doubled(seen), ...reused(stored, revisions));
      if (revisions.size > 0 && seen.revision < Math.max(...lastOf(revisions))) wrong.push(`the store is at revision ${seen.revision}, below one that was acknowledged`);
      known.clear();
      for (const [key, object] of stored) known.set(key, entryOf(object));
      for (const [key, object] of stored) revisions.set(Number(object.metadata.resourceVersion), key);
      uncertain = new Map();
      const found = wrong;
      wrong = [];
      return found;
    },
    acknowledged: () => acknowledged,
  };
}

/** Not all at once: Math.max takes only so many arguments. */
const lastOf = (revisions: ReadonlyMap<number, string>): number[] => [...revisions.keys()].slice(-1000);

function entryOf(object: KubeObject): Entry {
  const { resourceVersion, uid } = object.metadata;
  const { spec } = object as Service;
  return { revision: Number(resourceVersion), uid, ip: spec?.clusterIP, nodePort: spec?.ports?.[0]?.nodePort };
}

/** Addresses and ports that two Services have. */
function doubled(seen: Snapshot): string[] {
  const owners = new Map<string, string>();
  const services = seen.list(serviceKind);
  return services.flatMap(({ metadata, spec }) => {
    const taken = [...(spec.clusterIPs ?? []), ...(spec.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [`port ${nodePort}`] : []))];
    return taken.flatMap((each) => {
      const owner = owners.get(each);
      owners.set(each, metadata.name);
      return owner ? [`${each} belongs to ${owner} and ${metadata.name}`] : [];
    });
  });
}

/** What was stored without being acknowledged has a revision that nobody else was given. */
function reused(stored: ReadonlyMap<string, KubeObject>, revisions: ReadonlyMap<number, string>): string[] {
  const seen = new Map<number, string>();
  return [...stored].flatMap(([key, { metadata }]) => {
    const revision = Number(metadata.resourceVersion);
    const other = seen.get(revision) ?? revisions.get(revision);
    seen.set(revision, key);
    return other && other !== key ? [`revision ${revision} belongs to ${other} and ${key}`] : [];
  });
}
