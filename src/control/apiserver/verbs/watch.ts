// WATCH: what exists (where asked for), then every change, as one JSON line or protobuf frame each, until the client or its time is up.
// Headers leave before the first event: `kubectl wait` hangs without them.
import { ApiError } from '../../../kube/meaning/api-error.ts';
import { forbidden, type FieldError, notSupported } from '../../../kube/meaning/field-error.ts';
import type { WatchEvent } from '../../../kube/store/store.ts';
import type { Api } from '../api.ts';
import { type Answer, type ApiRequest, isTrue, type Send } from '../request.ts';
import type { Target } from '../router.ts';
import { statusOf } from '../wire/answers.ts';
import { negotiate } from '../wire/negotiate.ts';
import { speaksProtobuf } from '../wire/print-protobuf.ts';
import { type Selects, selectionOf } from '../wire/selectors.ts';
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
  const wanted = negotiate(request.headers.accept, speaksProtobuf(target.resource));
  const wish = readWatchWish(request.query);
  const { selects, onlyName } = selectionOf(target.resource, request.query);
  const printer = createEventPrinter({ request, resource: target.resource, wanted, now: api.now });
  return {
    code: 200,
    headers: { 'content-type': printer.contentType },
    async stream(send) {
      const { signal, clear } = endOf(request.stop, wish.timeoutMs);
      const watch = { api, target, wish, printer, send, stop: signal, selects: within(target, selects), onlyName };
      try {
        await runWatch(watch);
      } catch (error) {
        // The headers are long gone: an expired version is told inside the stream.
        if (!(error instanceof ApiError)) throw error;
        await send(printer.error(statusOf(error)));
      } finally {
        clear();
      }
    },
  };
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

/** Everything one running watch works with. */
interface Watch {
  api: Api;
  target: Target;
  wish: WatchWish;
  printer: EventPrinter;
  send: Send;
  stop: AbortSignal;
  selects: Selects;
  onlyName?: string;
}

const everything: Selects = () => true;

function within({ namespace }: Target, selects: Selects = everything): Selects {
  if (namespace === undefined) return selects;
  return (object) => object.metadata.namespace === namespace && selects(object);
}

async function runWatch(watch: Watch): Promise<void> {
  const { api, target, wish, stop } = watch;
  const since = wish.initialEvents ? await sendInitial(watch) : (wish.since ?? api.store.snapshot().revision);
  const changes = api.store.watch([target.resource.stored], since, stop)[Symbol.asyncIterator]();
  const bookmarks = startBookmarks(watch, since);
  try {
    // Not for-await: bookmarks must know when nothing is left to send.
    for (;;) {
      bookmarks.idle(true);
      const { done, value } = await changes.next();
      bookmarks.idle(false);
      if (done) break;
      const frame = changeFrame(watch, value);
      if (frame) await watch.send(frame);
      bookmarks.at(value.revision);
    }
    await bookmarks.last();
  } finally {
    bookmarks.stop();
    await changes.return?.();
  }
}

/** Sends what exists as ADDED; returns the revision it was true at. */
async function sendInitial({ api, target, wish, printer, send, selects, onlyName }: Watch): Promise<number> {
  const seen = api.store.snapshot();
  for (const object of selectObjects(seen, target, { selects, onlyName })) await send(printer.change('ADDED', object));
  if (wish.marksInitialEnd) await send(printer.bookmark(seen.revision, true));
  return seen.revision;
}

/** A change seen through the selector: entering is ADDED, leaving is DELETED (with the new object and version). */
function changeFrame({ printer, selects }: Watch, { type, object, old }: WatchEvent): string | Buffer | undefined {
  const is = type !== 'DELETED' && selects(object);
  const was = old !== undefined && selects(old);
  if (!is && !was) return undefined;
  if (!is) return printer.change('DELETED', object);
  return printer.change(was ? 'MODIFIED' : 'ADDED', object);
}

/** Bookmarks tell only revisions that nothing unsent can lie before: the store's own while this watch waits for it. */
function startBookmarks({ api, wish, printer, send }: Watch, since: number) {
  let reached = since;
  let waiting = false;
  const revision = () => Math.max(reached, waiting ? api.store.snapshot().revision : 0);
  const timer = wish.bookmarks ? setInterval(() => void send(printer.bookmark(revision(), false)), api.bookmarkEveryMs) : undefined;
  timer?.unref();
  return {
    idle: (is: boolean) => (waiting = is),
    at: (sent: number) => (reached = sent),
    last: async () => {
      if (wish.bookmarks) await send(printer.bookmark(reached, false));
    },
    stop: () => clearInterval(timer),
  };
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
