// The groups that watches of one kind form, and which of them a change may concern. A kubelet's watch asks for the pods of
// one node: of a thousand such groups one or two are looked at for a change of a pod, and the others cost nothing.
import type { WatchEvent } from '../../../kube/store/store.ts';
import type { Trigger } from '../wire/selectors.ts';
import { createGroup, type Group, type GroupOptions } from './watch-group.ts';

export interface GroupTerms extends GroupOptions {
  /** Those with equal keys are one group; absent: a group of its own. */
  key?: string;
  trigger?: Trigger;
}

export interface Groups {
  /** The group of these terms, made if there is none yet. */
  enter(terms: GroupTerms): Group;
  /** Forgets the group; to be called with what it was entered by, once it has no members. */
  remove(group: Group, terms: GroupTerms): void;
  size(): number;
  all(): Iterable<Group>;
  /** Of these changes to each group those that may concern it, in their order. */
  concerned(events: readonly WatchEvent[]): Iterable<readonly [Group, readonly WatchEvent[]]>;
}

interface Triggered {
  read: Trigger['read'];
  byValue: Map<string, Set<Group>>;
}

type ByTrigger = Map<string, Triggered>;

export function createGroups(): Groups {
  const all = new Set<Group>();
  const byKey = new Map<string, Group>();
  /** Those without a trigger. */
  const always = new Set<Group>();
  const byTrigger: ByTrigger = new Map();

  return {
    enter(terms) {
      const known = terms.key !== undefined && byKey.get(terms.key);
      if (known) return known;
      const group = createGroup(terms);
      all.add(group);
      if (terms.key !== undefined) byKey.set(terms.key, group);
      (terms.trigger ? triggered(byTrigger, terms.trigger) : always).add(group);
      return group;
    },
    remove(group, { key, trigger }) {
      all.delete(group);
      always.delete(group);
      if (key !== undefined) byKey.delete(key);
      if (trigger) forget(byTrigger, trigger, group);
    },
    size: () => all.size,
    all: () => all,
    *concerned(events) {
      for (const group of always) yield [group, events];
      if (byTrigger.size > 0) yield* concernedByValue(byTrigger, events);
    },
  };
}

function concernedByValue(byTrigger: ByTrigger, events: readonly WatchEvent[]): Map<Group, WatchEvent[]> {
  const found = new Map<Group, WatchEvent[]>();
  for (const event of events) {
    for (const group of fitting(byTrigger, event)) {
      const list = found.get(group);
      if (list) list.push(event);
      else found.set(group, [event]);
    }
  }
  return found;
}

/** Those whose trigger fits the object as it is or as it was. */
function* fitting(byTrigger: ByTrigger, { object, old }: WatchEvent): Generator<Group> {
  for (const { read, byValue } of byTrigger.values()) {
    const is = read(object);
    yield* byValue.get(is) ?? [];
    const was = old && read(old);
    if (was !== undefined && was !== is) yield* byValue.get(was) ?? [];
  }
}

function triggered(byTrigger: ByTrigger, { name, value, read }: Trigger): Set<Group> {
  let entry = byTrigger.get(name);
  if (!entry) byTrigger.set(name, (entry = { read, byValue: new Map() }));
  let set = entry.byValue.get(value);
  if (!set) entry.byValue.set(value, (set = new Set()));
  return set;
}

function forget(byTrigger: ByTrigger, trigger: Trigger, group: Group): void {
  const set = triggered(byTrigger, trigger);
  set.delete(group);
  const { byValue } = byTrigger.get(trigger.name)!;
  if (set.size === 0) byValue.delete(trigger.value);
  if (byValue.size === 0) byTrigger.delete(trigger.name);
}
