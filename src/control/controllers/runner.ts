// Runs all controllers over one store: look, decide, write; look again when something they read has changed.
// A conflict is no error: somebody was faster, their change wakes us, and the controller decides again.
import { backoffMs, Loop, type TurnResult } from '../../base/run/loop.ts';
import type { Clock } from '../../base/run/clock.ts';
import { logFor } from '../../base/run/log.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import { ApiError } from '../../kube/meaning/api-error.ts';
import { wakeOnChange } from '../../kube/store/wake-on-change.ts';
import type { ObjectStore, Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { sameItems } from './keep-lists.ts';

export interface RunningControllers {
  /** Resolves once every controller has seen this revision. */
  settled(revision: number): Promise<void>;
  close(): Promise<void>;
}

export interface RunnerOptions {
  store: ObjectStore;
  controllers: readonly Controller[];
  clock: Clock;
  random?: () => number;
}

const log = logFor('controllers');

/** What a controller last looked at, and how often it has failed since. */
interface Memory {
  /** Absent: it has never looked. */
  lists: readonly unknown[] | undefined;
  failures: number;
  againAtMs: number;
}

const raced: ReadonlySet<string> = new Set(['Conflict', 'AlreadyExists', 'NotFound']);

export function startControllers({ store, controllers, clock, random = Math.random }: RunnerOptions): RunningControllers {
  const memory = new Map<Controller, Memory>(controllers.map((each) => [each, { lists: undefined, failures: 0, againAtMs: Infinity }]));
  const reads = keepReads(controllers);

  async function turn(): Promise<TurnResult> {
    const seen = store.snapshot();
    const nowMs = clock.now().getTime();
    const due = controllers.filter((each) => isDue(each, memory.get(each)!, seen, nowMs));
    await Promise.all(due.map((each) => runOne(each, seen)));
    const nextMs = Math.min(...[...memory.values()].map((each) => each.againAtMs));
    return { revision: seen.revision, ...(nextMs < Infinity && { againAfterMs: Math.max(0, nextMs - nowMs) }) };
  }

  async function runOne(controller: Controller, seen: Snapshot): Promise<void> {
    const own = memory.get(controller)!;
    const now = clock.now();
    own.lists = listsOf(controller, seen);
    const failed = await carryOut(controller, decideSafely(controller, seen, now));
    own.failures = failed ? own.failures + 1 : 0;
    const waitMs = failed ? backoffMs(own.failures, random) : controller.wakeAfterMs?.(seen, now);
    own.againAtMs = waitMs === undefined ? Infinity : now.getTime() + waitMs;
  }

  /** True when something was refused for another reason than a race. One refused write stops no other. */
  async function carryOut({ name }: Controller, writes: readonly Write[] | undefined): Promise<boolean> {
    if (!writes) return true;
    const results = await Promise.allSettled(writes.map((write) => store.write(write)));
    let failed = false;
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled' || isRace(result.reason)) continue;
      failed = true;
      log.warn({ controller: name, err: result.reason, write: describe(writes[index]!) }, 'a write was refused');
    }
    return failed;
  }

  const loop = new Loop({ clock, random, turn, onFailure: (err) => log.error({ err }, 'the controllers’ turn failed') });
  const unwatch = wakeOnChange(store, () => reads(store.snapshot()), loop);
  return {
    settled: (revision) => loop.settled(revision),
    async close() {
      unwatch();
      await loop.close();
    },
  };
}

function isDue(controller: Controller, { lists, againAtMs }: Memory, seen: Snapshot, nowMs: number): boolean {
  return nowMs >= againAtMs || lists === undefined || !sameItems(listsOf(controller, seen), lists);
}

const listsOf = (controller: Controller, seen: Snapshot): readonly unknown[] =>
  [...controller.reads, ...(controller.alsoReads?.(seen) ?? [])].map((kind) => seen.list(kind));

/** What to watch: the same list while no controller reads other kinds. */
function keepReads(controllers: readonly Controller[]): (seen: Snapshot) => readonly Kind[] {
  const fixed = controllers.flatMap((each) => each.reads);
  let more: readonly (readonly Kind[])[] = [];
  let all: readonly Kind[] = [...new Set(fixed)];
  return (seen) => {
    const now = controllers.flatMap((each) => (each.alsoReads ? [each.alsoReads(seen)] : []));
    if (!sameItems(now, more)) {
      more = now;
      all = [...new Set([...fixed, ...now.flat()])];
    }
    return all;
  };
}

/** A bug in one controller costs that controller's turn, not the others'. */
function decideSafely(controller: Controller, seen: Snapshot, now: Date): readonly Write[] | undefined {
  try {
    return controller.decide(seen, now);
  } catch (err) {
    log.error({ controller: controller.name, err }, 'a controller failed');
    return undefined;
  }
}

const isRace = (error: unknown): boolean => error instanceof ApiError && raced.has(error.reason);

const describe = (write: Write): string => {
  const { kind, ...rest } = write.verb === 'delete' ? write.target : { kind: write.object.kind, ...write.object.metadata };
  return `${write.verb} ${kind} ${rest.namespace ?? ''}/${rest.name}`;
};
