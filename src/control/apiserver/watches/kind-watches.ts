// The watches of one stored kind. While changes come in nothing is done for anyone: they gather until `deliver`, and then
// each group of equal watchers is told those that concern it.
import { logFor } from '../../../base/run/log.ts';
import type { Kind } from '../../../kube/kinds/kind.ts';
import { expiredError } from '../../../kube/meaning/api-error.ts';
import { kindKey } from '../../../kube/store/state.ts';
import type { ChangeFeed, WatchEvent } from '../../../kube/store/store.ts';
import type { Sink } from '../request.ts';
import { createGroups, type GroupTerms } from './groups.ts';
import type { Group } from './watch-group.ts';
import { createMember } from './watch-member.ts';

/** `after`: changes up to this revision are not told. A watch from a revision that has yet to come has a group of its own. */
export interface Watch extends GroupTerms {
  /** As stored. */
  kind: Kind;
  wantsBookmarks: boolean;
  sink: Sink;
}

export interface KindWatches {
  /** Throws ApiError 410 when the changes since then are forgotten. `onFail` may come any time later. */
  join(watch: Watch, onFail: (error: unknown) => void): Joined;
  deliver(): void;
  bookmark(): void;
  /** Whether anybody watches. */
  isEmpty(): boolean;
  stop(): void;
}

export interface Joined {
  /** What was committed until now is told first, and a bookmark if one is wanted. */
  leave(): void;
}

export interface KindWatchesOptions {
  kind: Kind;
  feed: ChangeFeed;
  revision: () => number;
  mostBehind: number;
  /** Changes are pending: `deliver` is to be called soon. */
  onPending(): void;
}

const log = logFor('watch');

export function watchesOfKind({ kind, feed, revision, mostBehind, onPending }: KindWatchesOptions): KindWatches {
  const key = kindKey(kind);
  const groups = createGroups();
  let pending: WatchEvent[] = [];

  const tooSlow = () => expiredError(`too old resource version: the watch fell behind revision ${revision()}`);

  const stop = feed.follow(kind, {
    change(event) {
      pending.push(event);
      if (pending.length === 1) onPending();
    },
    lost() {
      pending = [];
      for (const { members } of groups.all()) for (const member of members) member.fail(tooSlow());
    },
  });

  function deliver(): void {
    const events = pending;
    pending = [];
    for (const [group, concerning] of groups.concerned(events)) tell(group, concerning);
  }

  /** What the watch missed, whether the others were told or not. */
  function missedBy({ after }: Watch): readonly WatchEvent[] {
    const missed = feed.since(after);
    if (!missed) throw expiredError(`too old resource version: ${after} (${revision()})`);
    return missed.filter((event) => kindKey(event.kind) === key);
  }

  function groupTerms({ key: shared, after, ...terms }: Watch): GroupTerms {
    return after > revision() || shared === undefined ? { ...terms, after } : { ...terms, key: shared, after: 0 };
  }

  return {
    deliver,
    stop,
    isEmpty: () => groups.size() === 0,
    join(watch, onFail) {
      // The others first: what is pending for them, this one finds among what it missed.
      deliver();
      const missed = missedBy(watch);
      const terms = groupTerms(watch);
      const group = groups.enter(terms);
      const member = createMember({ ...watch, encode: group.encode, mostBehind, tooSlow, onFail });
      group.members.add(member);
      member.begin(group.changesOf(missed));
      return {
        leave() {
          deliver();
          if (watch.wantsBookmarks) member.bookmark(() => group.bookmarkBytes(revision()));
          member.leave();
          group.members.delete(member);
          if (group.members.size === 0) groups.remove(group, terms);
        },
      };
    },
    bookmark() {
      deliver();
      for (const group of groups.all()) group.bookmark(revision());
    },
  };
}

function tell(group: Group, events: readonly WatchEvent[]): void {
  try {
    group.tell(events);
  } catch (error) {
    // An object that cannot be told ends the watches that were to be told it, and no others.
    log.error({ err: error }, 'watches failed');
    for (const member of group.members) member.fail(error);
  }
}
