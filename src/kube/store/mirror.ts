// A store that mirrors another API server over HTTP: list, then watch, for the kinds its readers need.
// This is what lets every part of Fairlead run, by --kubeconfig, against any Kubernetes cluster.
// Writes go to the server and resolve when the watch has brought them back: who writes, reads what it wrote.
import { type ApiClient, pathOf } from '../client/api-client.ts';
import type { Kind } from '../kinds/kind.ts';
import { ApiError, unknownResourceError } from '../meaning/api-error.ts';
import type { KubeObject } from '../objects/meta.ts';
import { type Arrivals, createArrivals } from './arrivals.ts';
import { createMirroredObjects, type MirroredObjects, versionNumber, versionOf } from './mirrored-objects.ts';
import { kindKey, snapshotOf, stateOf } from './state.ts';
import { type DeleteTarget, keyOf, type ObjectStore, type Snapshot, type Write } from './store.ts';

/** A write of a mirrored kind shows in the snapshot before it resolves (unless the mirror is closed meanwhile). */
export interface Mirror extends ObjectStore {
  /** Resolves after the first full list of every kind: before that a snapshot shows less than there is. Rejects when closed before. */
  synced: Promise<void>;
  close(): void;
}

interface ListAnswer {
  metadata: { resourceVersion?: string; continue?: string };
  items: KubeObject[];
}

export interface MirrorOptions {
  client: ApiClient;
  kinds: readonly Kind[];
  /** Kinds that are written only (events): not watched, so nothing is waited for. */
  alsoWrites?: readonly Kind[];
  /** Waits before a broken watch is opened again. */
  pause(stop: AbortSignal): Promise<void>;
  onFailure?(kind: Kind, error: unknown): void;
  /** All objects of a kind have been read, at the start or again. */
  onListed?(kind: Kind): void;
}

/** Every object of a kind and the version to watch from; pages of 500. List items carry no kind: it is put back. */
export async function listAll(client: ApiClient, kind: Kind): Promise<{ items: KubeObject[]; version: string }> {
  const items: KubeObject[] = [];
  let next = '';
  for (;;) {
    const query: string = next ? `&continue=${encodeURIComponent(next)}` : '';
    const page = await client.request<ListAnswer>('GET', `${pathOf(kind)}?limit=500${query}`);
    for (const item of page.items) items.push({ ...item, apiVersion: kind.apiVersion, kind: kind.kind });
    next = page.metadata.continue ?? '';
    if (!next) return { items, version: page.metadata.resourceVersion ?? '0' };
  }
}

/** Once, without watching: for commands that look and leave. Kinds the server does not know count as empty. */
export async function fetchSnapshot(client: ApiClient, kinds: readonly Kind[]): Promise<Snapshot> {
  const lists = await Promise.all(kinds.map((kind) => listAll(client, kind).catch(emptyIfUnknown)));
  const revision = Math.max(0, ...lists.map((list) => Number(list.version)));
  return snapshotOf(stateOf(revision, lists.flatMap((list) => list.items)));
}

function emptyIfUnknown(error: unknown): { items: KubeObject[]; version: string } {
  if (error instanceof ApiError && error.code === 404) return { items: [], version: '0' };
  throw error;
}

export function createMirror({ client, kinds, alsoWrites = [], pause, onFailure, onListed }: MirrorOptions): Mirror {
  const objects = createMirroredObjects();
  const arrivals = createArrivals();
  const stop = new AbortController();

  async function relist(kind: Kind): Promise<string> {
    const { items, version } = await listAll(client, kind);
    objects.replace(kind, items);
    objects.reached(versionNumber(version));
    arrivals.reached(kind, versionNumber(version));
    return version;
  }

  async function follow(kind: Kind, from: string): Promise<void> {
    let version = from;
    const path = (since: string) => `${pathOf(kind)}?watch=true&allowWatchBookmarks=true&resourceVersion=${since}`;
    while (!stop.signal.aborted) {
      for await (const { type, object } of client.stream(path(version), stop.signal)) {
        if (type === 'ERROR') return;
        version = object.metadata.resourceVersion ?? version;
        if (type !== 'BOOKMARK') objects.put(kind, { ...object, apiVersion: kind.apiVersion, kind: kind.kind }, type === 'DELETED');
        arrivals.reached(kind, versionNumber(version));
      }
    }
  }

  async function mirror(kind: Kind, listed: () => void): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        const version = await relist(kind);
        listed();
        onListed?.(kind);
        await follow(kind, version);
      } catch (error) {
        // The server is away or refuses for now; what we have stays, and we list again after the pause.
        if (stop.signal.aborted) return;
        onFailure?.(kind, error);
        await pause(stop.signal);
      }
    }
  }

  async function write(change: Write): Promise<KubeObject> {
    const kind = [...kinds, ...alsoWrites].find((known) => kindKey(known) === kindKey(targetOf(change)));
    if (!kind) throw unknownResourceError();
    const { name, namespace } = targetOf(change);
    const before = objects.find(kind, keyOf(name, namespace));
    const answer = await send(client, kind, change);
    return change.dryRun || !kinds.includes(kind) ? answer : seeing({ objects, arrivals }, { kind, change, before, answer });
  }

  const closed = Promise.withResolvers<never>();
  const synced = Promise.race([closed.promise, Promise.all(kinds.map((kind) => new Promise<void>((listed) => void mirror(kind, listed)))).then(() => {})]);
  // Nobody need wait for it.
  synced.catch(() => {});
  return {
    synced,
    write,
    snapshot: objects.snapshot,
    watch: objects.watch,
    close() {
      stop.abort();
      arrivals.close();
      closed.reject(new Error('the mirror was closed'));
    },
  };
}

const targetOf = (write: Write): DeleteTarget =>
  write.verb === 'delete' ? write.target : { apiVersion: write.object.apiVersion, kind: write.object.kind, name: write.object.metadata.name, namespace: write.object.metadata.namespace };

interface Written {
  kind: Kind;
  change: Write;
  before: KubeObject | undefined;
  answer: KubeObject;
}

/** Waits until the mirror shows the write; answers the snapshot's own object where it is the one that the server told. */
async function seeing({ objects, arrivals }: { objects: MirroredObjects; arrivals: Arrivals }, { kind, change, before, answer }: Written): Promise<KubeObject> {
  const { name, namespace, uid = before?.metadata.uid } = targetOf(change);
  const held = () => objects.find(kind, keyOf(name || answer.metadata.name, namespace));
  // A deletion that is over at once is answered by a Status, which has no version.
  if (change.verb === 'delete' && answer.kind === 'Status') {
    await arrivals.until(kind, () => uid === undefined || held()?.metadata.uid !== uid);
    return before ?? answer;
  }
  await arrivals.until(kind, (reached) => !(reached < versionOf(answer)));
  const now = held();
  return now && now.metadata.resourceVersion === answer.metadata.resourceVersion ? now : answer;
}

function send(client: ApiClient, kind: Kind, write: Write): Promise<KubeObject> {
  const dryRun = write.dryRun ? '?dryRun=All' : '';
  if (write.verb === 'delete') {
    const { name, namespace, uid, resourceVersion } = write.target;
    const { gracePeriodSeconds, propagationPolicy } = write;
    const options = { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds, propagationPolicy, preconditions: { uid, resourceVersion } };
    return client.request('DELETE', `${pathOf(kind, name, namespace)}${dryRun}`, options);
  }
  const { name, namespace } = write.object.metadata;
  if (write.verb === 'create') return client.request('POST', `${pathOf(kind, undefined, namespace)}${dryRun}`, write.object);
  if (write.subresource === 'binding') return bind(client, write.object);
  const subresource = write.subresource ? `/${write.subresource}` : '';
  return client.request('PUT', `${pathOf(kind, name, namespace)}${subresource}${dryRun}`, write.object);
}

/** A real API server lets nobody write spec.nodeName: the scheduler posts a Binding. */
async function bind(client: ApiClient, pod: KubeObject): Promise<KubeObject> {
  const { name, namespace, uid } = pod.metadata;
  const target = { apiVersion: 'v1', kind: 'Node', name: (pod as KubeObject & { spec: { nodeName: string } }).spec.nodeName };
  const binding = { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace, uid }, target };
  await client.request('POST', `${pathOf({ apiVersion: 'v1', plural: 'pods' }, name, namespace)}/binding`, binding);
  return pod;
}
