// One watcher. What is told goes straight to its connection; once that is full, changes wait here, as objects and not as
// bytes, until the reader is back. One that falls too far behind is dropped: it costs the others nothing.
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { WatchEvent } from '../../../kube/store/store.ts';
import type { Sink } from '../request.ts';

/** A change as one selector sees it. */
export interface Change {
  readonly type: WatchEvent['type'];
  readonly object: KubeObject;
}

export interface Member {
  readonly wantsBookmarks: boolean;
  /** What lies before the first `take`, however much it is. */
  begin(missed: readonly Change[]): void;
  /** `bytes` tell the changes, the same for all members of a group; not asked for while this one lags. */
  take(changes: readonly Change[], bytes: () => Buffer): void;
  /** Bookmarks are only for readers that have everything. */
  bookmark(bytes: () => Buffer): void;
  /** Nothing is told any more. */
  leave(): void;
  /** Leaves, and says why. */
  fail(error: unknown): void;
}

export interface MemberOptions {
  sink: Sink;
  wantsBookmarks: boolean;
  encode(changes: readonly Change[]): Buffer;
  /** How many changes may wait; one more, and `tooSlow` is what the watch ends with. */
  mostBehind: number;
  tooSlow(): Error;
  onFail(error: unknown): void;
}

/** About 64 KB of small objects: as much as a connection takes before it is full. */
const mostInOneWrite = 100;

export function createMember({ sink, wantsBookmarks, encode, mostBehind, tooSlow, onFail }: MemberOptions): Member {
  let isReady = true;
  let hasLeft = false;
  let behind: Change[] = [];

  function catchUp(): void {
    try {
      while (isReady && behind.length > 0) isReady = sink.write(encode(behind.splice(0, mostInOneWrite)));
    } catch (error) {
      // An object that cannot be encoded: the watch ends with it.
      fail(error);
    }
  }

  function leave(): void {
    hasLeft = true;
    behind = [];
  }

  function fail(error: unknown): void {
    leave();
    onFail(error);
  }

  sink.onDrain(() => {
    isReady = true;
    catchUp();
  });

  return {
    wantsBookmarks,
    leave,
    fail,
    begin(missed) {
      behind = [...missed];
      catchUp();
    },
    take(changes, bytes) {
      if (hasLeft) return;
      if (isReady) isReady = sink.write(bytes());
      else if (behind.length + changes.length > mostBehind) fail(tooSlow());
      else for (const change of changes) behind.push(change);
    },
    bookmark(bytes) {
      if (isReady && !hasLeft) isReady = sink.write(bytes());
    },
  };
}
