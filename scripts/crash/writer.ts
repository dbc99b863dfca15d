// A server's store under writers, in a process that is made to be killed. It says what it begins and what was
// acknowledged, one JSON line each, written at once so that nothing said is lost with the process.
//
//   node writer.ts sqlite|etcd WHERE FIRST-WRITER COUNT SEED
import { writeSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { createKindIndex } from '../../src/kube/kinds/kind-index.ts';
import { createKinds } from '../../src/kube/kinds/kinds.ts';
import { serviceKind } from '../../src/kube/kinds/service.ts';
import { configMapKind } from '../../src/kube/kinds/config-map.ts';
import type { Service } from '../../src/kube/objects/core.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { createEmbeddedStore } from '../../src/kube/store/embedded.ts';
import { openSqliteJournal } from '../../src/kube/store/journal-sqlite.ts';
import type { ObjectStore, Write } from '../../src/kube/store/store.ts';
import { seededRandom } from './seeded-random.ts';

export type StoreName = 'sqlite' | 'etcd';
export type ClosableStore = ObjectStore & { close(): Promise<void>; latest?(): Promise<unknown> };

/** Small ranges: writers who did not agree would meet at once. */
export const crashKinds = createKinds({ serviceCidrs: ['10.96.0.0/27'], nodePorts: { first: 30_000, last: 30_026 } });

export async function openCrashStore(name: StoreName, where: string): Promise<ClosableStore> {
  const kindOf = createKindIndex(crashKinds);
  if (name === 'sqlite') return createEmbeddedStore({ kindOf, journal: openSqliteJournal(where) });
  const { openEtcdStore } = await import('../../src/kube/store/etcd/etcd-store.ts');
  return openEtcdStore({ endpoints: [where], kindOf, compactEveryMs: 200 });
}

export interface Said {
  does: 'begin' | 'done';
  writer: number;
  verb: Write['verb'];
  kind: string;
  name: string;
  /** With `done`. */
  revision?: number;
  uid?: string;
  ip?: string;
  nodePort?: number;
}

const most = { ConfigMap: 10, Service: 3 };

/** One writer has its own names, so that it alone knows how its objects must be. */
async function writeForever(store: ObjectStore, writer: number, random: () => number): Promise<void> {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const isMine = ({ metadata }: KubeObject) => metadata.name.startsWith(`w${writer}-`);
  for (let turn = 0; ; turn++) {
    const kind = random() < 0.5 ? configMapKind : serviceKind;
    const mine = store.snapshot().list<KubeObject>(kind).filter(isMine);
    const room = mine.length < most[kind.kind as keyof typeof most];
    const dice = random();
    if (mine.length === 0 || (room && dice < 0.5)) await say(store, writer, { verb: 'create', object: fresh(kind.kind, `w${writer}-${store.snapshot().revision}-${turn}`, random) });
    else if (dice < 0.8) await say(store, writer, { verb: 'update', object: changed(pick(mine), turn) });
    else await say(store, writer, { verb: 'delete', target: targetOf(pick(mine)) });
  }
}

const targetOf = ({ apiVersion, kind, metadata: { name, namespace, uid } }: KubeObject) => ({ apiVersion, kind, name, namespace, uid });

function fresh(kind: string, name: string, random: () => number): KubeObject {
  const base = { apiVersion: 'v1', kind, metadata: { name, namespace: 'default' } };
  if (kind === 'ConfigMap') return { ...base, data: { turn: '0', filling: 'x'.repeat(Math.floor(random() * 4000)) } } as KubeObject;
  return { ...base, spec: { type: random() < 0.5 ? 'NodePort' : 'ClusterIP', ports: [{ port: 80 }] } } as unknown as KubeObject;
}

/** Unconditional for some, so that those races are run as well. */
function changed(object: KubeObject, turn: number): KubeObject {
  const { resourceVersion, ...rest } = object.metadata;
  const metadata = { ...rest, ...(turn % 2 === 0 && { resourceVersion }), annotations: { turn: String(turn), from: resourceVersion! } };
  return { ...object, metadata };
}

async function say(store: ObjectStore, writer: number, write: Write): Promise<void> {
  const named = write.verb === 'delete' ? write.target : { kind: write.object.kind, name: write.object.metadata.name };
  const about = { writer, verb: write.verb, kind: named.kind, name: named.name };
  print({ does: 'begin', ...about });
  const stored = (await store.write(write)) as Service;
  const { resourceVersion, uid } = stored.metadata;
  const { clusterIP: ip, ports } = stored.kind === 'Service' ? stored.spec : {};
  print({ does: 'done', ...about, revision: Number(resourceVersion), uid, ip, nodePort: ports?.[0]?.nodePort });
}

const print = (line: Said): void => void writeSync(1, `${JSON.stringify(line)}\n`);

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [name, where, first, count, seed] = process.argv.slice(2) as [StoreName, string, string, string, string];
  const store = await openCrashStore(name, where);
  for (let i = 0; i < Number(count); i++) void writeForever(store, Number(first) + i, seededRandom(Number(seed) + i));
}
