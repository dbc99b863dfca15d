// A store that mirrors another API server over HTTP: list, then watch, for the kinds its readers need.
// This is what lets every part of Fairlead run, by --kubeconfig, against any Kubernetes cluster.
// Writes go to the server; a snapshot shows them once the watch has brought them back.
import { type ApiClient, pathOf } from '../client/api-client.ts';
import type { Kind } from '../kinds/kind.ts';
import { ApiError, unknownResourceError } from '../meaning/api-error.ts';
import type { KubeObject } from '../objects/meta.ts';
import { emptyState, findObject, kindKey, snapshotOf, stateOf, type StoreState, withObject } from './state.ts';
import { objectKey, type ObjectStore, type Snapshot, type WatchEvent, type Write } from './store.ts';
import { createWatchLog } from './watch-log.ts';

export interface Mirror extends ObjectStore {
  /** Resolves after the first full list of every kind: before that a snapshot shows less than there is. */
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
  /** Waits before a broken watch is opened again. */
  pause(stop: AbortSignal): Promise<void>;
  onFailure?(kind: Kind, error: unknown): void;
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

export function createMirror({ client, kinds, pause, onFailure }: MirrorOptions): Mirror {
  // Revisions of different servers' kinds need not be comparable: the mirror counts its own, and keeps objects' as they are.
  let state: StoreState = emptyState;
  let snapshot = snapshotOf(state);
  const log = createWatchLog(0);
  const stop = new AbortController();

  function put(kind: Kind, object: KubeObject, gone: boolean): void {
    const key = objectKey(object);
    const old = findObject(state, kind, key);
    if (gone ? !old : old?.metadata.resourceVersion === object.metadata.resourceVersion) return;
    const revision = state.revision + 1;
    state = withObject(state, revision, { kind, key, ...(!gone && { object }) });
    snapshot = snapshotOf(state);
    const type: WatchEvent['type'] = gone ? 'DELETED' : old ? 'MODIFIED' : 'ADDED';
    log.publish({ type, kind, object, ...(old && { old }), revision });
  }

  async function relist(kind: Kind): Promise<string> {
    const { items, version } = await listAll(client, kind);
    const listed = new Set(items.map(objectKey));
    for (const item of items) put(kind, item, false);
    for (const known of snapshot.list(kind)) if (!listed.has(objectKey(known))) put(kind, known, true);
    return version;
  }

  async function follow(kind: Kind, from: string): Promise<void> {
    let version = from;
    const path = (since: string) => `${pathOf(kind)}?watch=true&allowWatchBookmarks=true&resourceVersion=${since}`;
    while (!stop.signal.aborted) {
      for await (const { type, object } of client.stream(path(version), stop.signal)) {
        if (type === 'ERROR') return;
        version = object.metadata.resourceVersion ?? version;
        if (type !== 'BOOKMARK') put(kind, { ...object, apiVersion: kind.apiVersion, kind: kind.kind }, type === 'DELETED');
      }
    }
  }

  async function mirror(kind: Kind, listed: () => void): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        const version = await relist(kind);
        listed();
        await follow(kind, version);
      } catch (error) {
        // The server is away or refuses for now; what we have stays, and we list again after the pause.
        if (stop.signal.aborted) return;
        onFailure?.(kind, error);
        await pause(stop.signal);
      }
    }
  }

  return {
    synced: Promise.all(kinds.map((kind) => new Promise<void>((listed) => void mirror(kind, listed)))).then(() => {}),
    write: (write) => send(client, kinds, write),
    snapshot: () => snapshot,
    watch: log.watch,
    close: () => stop.abort(),
  };
}

function send(client: ApiClient, kinds: readonly Kind[], write: Write): Promise<KubeObject> {
  const named = write.verb === 'delete' ? write.target : write.object;
  const kind = kinds.find((known) => kindKey(known) === kindKey(named));
  if (!kind) return Promise.reject(unknownResourceError());
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
