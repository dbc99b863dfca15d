// WATCH: what exists (where asked for), then every change, as one JSON line or protobuf frame each, until the client or its time is up.
// Headers leave before the first event: `kubectl wait` hangs without them.
import { ApiError } from '../../../kube/meaning/api-error.ts';
import { forbidden, type FieldError, notSupported } from '../../../kube/meaning/field-error.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Api } from '../api.ts';
import { type Answer, type ApiRequest, isTrue, type Send } from '../request.ts';
import type { Target } from '../router.ts';
import { statusOf } from '../wire/answers.ts';
import { negotiate } from '../wire/negotiate.ts';
import { speaksProtobuf } from '../wire/print-protobuf.ts';
import { type Selection, type Selects, selectionOf, type Trigger } from '../wire/selectors.ts';
import { createEventPrinter, type EventPrinter } from '../wire/watch-frames.ts';
import { selectObjects } from './list.ts';
import { readVersion } from './resource-version.ts';
import { optionsError } from './write-options.ts';

interface WatchWish {
  /** undefined: from now, with what exists first. */
  since?: number;
  initialEvents: boolean;
  /** A bookmark says where the initial events end. */
  marksInitialEnd: boolean;
  bookmarks: boolean;
  timeoutMs: number;
}

export async function watchObjects(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const { resource } = target;
  const wanted = negotiate(request.headers.accept, speaksProtobuf(resource));
  const wish = readWatchWish(request.query);
  const selection = selectionOf(resource, request.query);
  const printer = createEventPrinter({ request, resource, wanted, now: api.now });
  const shared = sharedKey(api, request, { target, printer });
  const terms = { kind: resource.stored, printer, ...within(target, selection), ...(shared && { key: shared }), wantsBookmarks: wish.bookmarks };
  return {
    code: 200,
    headers: { 'content-type': printer.contentType },
    async stream(send, sink) {
      const { signal, clear } = endOf(request.stop, wish.timeoutMs);
      try {
        const after = wish.initialEvents ? await sendInitial({ api, target, selection, wish, printer, send }) : (wish.since ?? api.store.snapshot().revision);
        await api.watches.follow({ ...terms, after, sink }, signal);
      } catch (error) {
        // The headers are long gone: an expired version is told inside the stream.
        if (!(error instanceof ApiError)) throw error;
        sink.write(printer.error(statusOf(error)));
      } finally {
        clear();
      }
    },
  };
}

/** Watches with equal keys are told the same; after a change of what is served nobody joins those before it. */
function sharedKey({ registry }: Api, { query }: ApiRequest, { target, printer }: { target: Target; printer: EventPrinter }): string | undefined {
  const { resource, namespace } = target;
  if (printer.key === undefined) return undefined;
  return JSON.stringify([registry.revision, resource.kind.apiVersion, resource.kind.plural, namespace, query.get('labelSelector'), query.get('fieldSelector'), printer.key]);
}

/** Aborts with `stop` or when the time is up, whichever is first. */
function endOf(stop: AbortSignal, timeoutMs: number) {
  const ending = new AbortController();
  const end = () => ending.abort();
  const timer = setTimeout(end, timeoutMs);
  stop.addEventListener('abort', end, { once: true });
  if (stop.aborted) end();
  return {
    signal: ending.signal,
    clear() {
      clearTimeout(timer);
      stop.removeEventListener('abort', end);
    },
  };
}

const everything: Selects = () => true;

const namespaceOf = ({ metadata }: KubeObject): string => metadata.namespace ?? '';

/** The selection within the target's namespace. */
function within({ namespace }: Target, { selects = everything, trigger }: Selection): { selects: Selects; trigger?: Trigger } {
  if (namespace === undefined) return { selects, ...(trigger && { trigger }) };
  return {
    selects: (object) => namespaceOf(object) === namespace && selects(object),
    trigger: trigger ?? { name: 'namespace', value: namespace, read: namespaceOf },
  };
}

interface Initial {
  api: Api;
  target: Target;
  selection: Selection;
  wish: WatchWish;
  printer: EventPrinter;
  send: Send;
}

/** Sends what exists as ADDED; returns the revision it was true at. */
async function sendInitial({ api, target, selection, wish, printer, send }: Initial): Promise<number> {
  const seen = api.store.snapshot();
  for (const object of selectObjects(seen, target, selection)) await send(printer.change('ADDED', object));
  if (wish.marksInitialEnd) await send(printer.bookmark(seen.revision, true));
  return seen.revision;
}

/** Without sendInitialEvents, an absent version or 0 means: show first what exists, unmarked. */
function readWatchWish(query: URLSearchParams): WatchWish {
  const asked = query.get('sendInitialEvents');
  refuseWatchOptions(query, asked);
  const version = readVersion(query.get('resourceVersion'));
  const bookmarks = isTrue(query.get('allowWatchBookmarks'));
  const initialEvents = asked === null ? !version : isTrue(asked);
  // Spread over half an hour, so that clients do not all come back at once.
  const seconds = Number(query.get('timeoutSeconds')) || 1800 + Math.floor(Math.random() * 1800);
  return {
    ...(version && { since: version }),
    initialEvents,
    marksInitialEnd: asked !== null && initialEvents && bookmarks,
    bookmarks,
    timeoutMs: Math.min(seconds, 86_400) * 1000,
  };
}

function refuseWatchOptions(query: URLSearchParams, sendInitialEvents: string | null): void {
  const errors: FieldError[] = [];
  const match = query.get('resourceVersionMatch');
  if (sendInitialEvents !== null && match !== 'NotOlderThan') {
    const detail = 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan';
    errors.push(match ? notSupported('resourceVersionMatch', match, ['NotOlderThan']) : forbidden('resourceVersionMatch', detail));
  }
  if (sendInitialEvents === null && match) {
    errors.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'));
  }
  if (errors.length > 0) throw optionsError('ListOptions', errors);
}
