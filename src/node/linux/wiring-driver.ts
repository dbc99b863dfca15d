// What the wiring drivers share: whole wish in, difference out. A hand only knows how to look and how to change.
// What is ours is found by looking (link prefix, route protocol), at the first apply and after every failure, so that
// nothing need be remembered. Additions come before their users, removals after, and what changes is replaced in place.
import { deepEqual } from '../../base/data/memo.ts';
import type { Applied, Driver } from './driver.ts';
import { farEndOf, noWiring, type WiredAddress, type WiredLink, type WiredNeighbour, type WiredRoute, type Wiring } from './wiring.ts';

export type WiringChange =
  /** 'change' is in place: nothing that hangs on the link is lost. */
  | { readonly what: 'link'; readonly op: 'add' | 'change' | 'remove'; readonly value: WiredLink }
  | { readonly what: 'address'; readonly op: 'add' | 'remove'; readonly value: WiredAddress }
  /** Adding takes the place of what has the same key. */
  | { readonly what: 'route'; readonly op: 'add' | 'remove'; readonly value: WiredRoute }
  | { readonly what: 'neighbour'; readonly op: 'add' | 'remove'; readonly value: WiredNeighbour }
  | { readonly what: 'sysctl'; readonly op: 'set'; readonly key: string; readonly value: string };

export interface WiringHand {
  readonly name: string;
  /** Everything of ours that is there; of sysctls those asked for. */
  look(sysctls: Iterable<string>): Wiring;
  /** In order. Throws DriverError at a refusal; removing what is gone is none. */
  change(changes: readonly WiringChange[]): Promise<void>;
}

const bare = (value: { origin?: unknown }) => ({ ...value, origin: undefined });
/** The kernel knows no origins. */
const sameThing = (a: object, b: object): boolean => a === b || deepEqual(bare(a), bare(b));

type Part = 'address' | 'route' | 'neighbour';
const mapOf = { address: 'addresses', route: 'routes', neighbour: 'neighbours' } as const;

function additions(part: Part, have: Wiring, want: Wiring): WiringChange[] {
  const [old, now]: ReadonlyMap<string, object>[] = [have[mapOf[part]], want[mapOf[part]]];
  return [...now!].flatMap(([key, value]) => {
    const before = old!.get(key);
    return before && sameThing(before, value) ? [] : [{ what: part, op: 'add', value } as WiringChange];
  });
}

function removals(part: Part, have: Wiring, want: Wiring): WiringChange[] {
  const [old, now]: ReadonlyMap<string, object>[] = [have[mapOf[part]], want[mapOf[part]]];
  return [...old!].filter(([key]) => !now!.has(key)).map(([, value]) => ({ what: part, op: 'remove', value }) as WiringChange);
}

/** A kind cannot be changed in place. Such a link goes first, with all that hangs on it. */
const mustBeRemade = (old: WiredLink, now: WiredLink) => old.kind !== now.kind;

/** What is not wished for may be as it is; only a master must be none. */
const agrees = (old: WiredLink, now: WiredLink) =>
  old.master === now.master && (now.mtu ?? old.mtu) === old.mtu && (now.mac ?? old.mac) === old.mac;

function linkAdditions({ links: old }: Wiring, { links: now }: Wiring): WiringChange[] {
  return [...now.values()].flatMap((value): WiringChange[] => {
    const before = old.get(value.name);
    if (!before) return [{ what: 'link', op: 'add', value }];
    if (mustBeRemade(before, value)) return [{ what: 'link', op: 'remove', value: before }, { what: 'link', op: 'add', value }];
    return agrees(before, value) ? [] : [{ what: 'link', op: 'change', value }];
  });
}

/** The far ends of wished pairs are wished for too, without standing in the list. */
function linkRemovals({ links: old }: Wiring, { links: now }: Wiring): WiringChange[] {
  const kept = new Set([...now.values()].flatMap((link) => [link.name, farEndOf(link)]));
  return [...old.values()].filter(({ name }) => !kept.has(name)).map((value) => ({ what: 'link', op: 'remove', value }));
}

/** In an order in which each step has what it needs. */
export function diffWiring(have: Wiring, want: Wiring): WiringChange[] {
  return [
    ...linkAdditions(have, want),
    ...[...want.sysctls].flatMap(([key, value]): WiringChange[] => (have.sysctls.get(key) === value ? [] : [{ what: 'sysctl', op: 'set', key, value }])),
    ...additions('address', have, want),
    ...additions('neighbour', have, want),
    ...additions('route', have, want),
    ...removals('route', have, want),
    ...removals('neighbour', have, want),
    ...removals('address', have, want),
    ...linkRemovals(have, want),
  ];
}

/** A link that is made anew has lost what hung on it. */
function withoutRemade(have: Wiring, want: Wiring): Wiring {
  const remade = new Set([...want.links.values()].filter((link) => have.links.has(link.name) && mustBeRemade(have.links.get(link.name)!, link)).map(({ name }) => name));
  if (remade.size === 0) return have;
  const standing = <T extends { readonly link?: string }>(things: ReadonlyMap<string, T>) =>
    new Map([...things].filter(([, { link }]) => link === undefined || !remade.has(link)));
  return { ...have, addresses: standing(have.addresses), routes: standing(have.routes), neighbours: standing(have.neighbours) };
}

export function createWiringDriver(hand: WiringHand): Driver<Wiring> {
  let inKernel: Wiring | undefined;
  /** As they were before our first touch. */
  const originals = new Map<string, string>();

  async function bring(desired: Wiring): Promise<number> {
    const fresh = [...desired.sysctls.keys()].filter((key) => !originals.has(key));
    if (!inKernel || fresh.length > 0) inKernel = hand.look([...desired.sysctls.keys(), ...originals.keys()]);
    for (const key of fresh) originals.set(key, inKernel.sysctls.get(key) ?? '');
    const want = { ...desired, sysctls: new Map([...originals, ...desired.sysctls]) };
    const changes = diffWiring(withoutRemade(inKernel, want), want);
    if (changes.length > 0) await hand.change(changes);
    inKernel = want;
    return changes.length;
  }

  async function apply(desired: Wiring): Promise<Applied> {
    const start = performance.now();
    try {
      return { changes: await bring(desired), tookMs: performance.now() - start };
    } catch (error) {
      inKernel = undefined;
      throw error;
    }
  }

  return {
    name: hand.name,
    apply,
    // A node's wiring is small, so that looking is cheap: routes leave with a link that somebody takes down for a moment.
    async check() {
      if (!inKernel || diffWiring(hand.look([...inKernel.sysctls.keys()]), inKernel).length === 0) return true;
      inKernel = undefined;
      return false;
    },
    async remove() {
      inKernel = undefined;
      await apply(noWiring);
      originals.clear();
      inKernel = undefined;
    },
  };
}
