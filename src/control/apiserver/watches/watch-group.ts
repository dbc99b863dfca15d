// Watchers that asked for the same: one verdict of the selector and one encoding of each change serve them all.
import type { WatchEvent } from '../../../kube/store/store.ts';
import type { Selects } from '../wire/selectors.ts';
import type { EventPrinter } from '../wire/watch-frames.ts';
import type { Change, Member } from './watch-member.ts';

export interface Group {
  readonly members: Set<Member>;
  /** Changes in order, all of the group's kind. */
  tell(events: readonly WatchEvent[]): void;
  /** To those who want bookmarks and have everything. */
  bookmark(revision: number): void;
  bookmarkBytes(revision: number): Buffer;
  /** What of these the group is told. */
  changesOf(events: readonly WatchEvent[]): Change[];
  encode(changes: readonly Change[]): Buffer;
}

export interface GroupOptions {
  selects: Selects;
  printer: EventPrinter;
  /** Changes up to this revision are not told; a watcher may ask for what has yet to come. */
  after: number;
}

/** A change seen through the selector: entering is ADDED, leaving is DELETED (with the new object and version). */
function seenThrough(selects: Selects, { type, object, old }: WatchEvent): Change | undefined {
  const is = type !== 'DELETED' && selects(object);
  const was = old !== undefined && selects(old);
  if (!is && !was) return undefined;
  if (!is) return { type: 'DELETED', object };
  return { type: was ? 'MODIFIED' : 'ADDED', object };
}

/** The value is made when first asked for. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** One commit may hold a great deal: no more than so many changes are joined into one write. */
const mostTogether = 100;

export function createGroup({ selects, printer, after }: GroupOptions): Group {
  const members = new Set<Member>();

  function encode(changes: readonly Change[]): Buffer {
    const frames = changes.map(({ type, object }) => printer.change(type, object));
    return frames.length === 1 ? frames[0]! : Buffer.concat(frames);
  }

  function changesOf(events: readonly WatchEvent[]): Change[] {
    const changes: Change[] = [];
    for (const event of events) {
      const change = event.revision > after && seenThrough(selects, event);
      if (change) changes.push(change);
    }
    return changes;
  }

  const bookmarkBytes = (revision: number) => printer.bookmark(Math.max(revision, after), false);

  return {
    members,
    changesOf,
    encode,
    bookmarkBytes,
    tell(events) {
      const changes = changesOf(events);
      for (let from = 0; from < changes.length; from += mostTogether) {
        const some = changes.slice(from, from + mostTogether);
        const bytes = once(() => encode(some));
        for (const member of members) member.take(some, bytes);
      }
    },
    bookmark(revision) {
      const bytes = once(() => bookmarkBytes(revision));
      for (const member of members) if (member.wantsBookmarks) member.bookmark(bytes);
    },
  };
}
