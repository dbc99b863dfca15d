// The classes of Service ports: what the first look-up answers, and the chain that each leads to.
// All Services of one class share its chain; the elements tell them apart. Layout of the maps: fronts.ts.
import type { Family } from '../../kube/objects/meta.ts';
import type { Chain, Element, Rule } from '../nft/ruleset.ts';
import type { Front } from './fronts.ts';
import { stickyChains } from './sticky.ts';

/** Mark bit left by local fronts: keep the client's address. Indexes and slots of others never carry it. */
export const KEEP_SOURCE = 0x8000;
/** More endpoints than this are not used: the class has 15 bits for the count, and indexes must leave KEEP_SOURCE alone. */
export const MAX_ENDPOINTS = 0x7fff;
/** Slots start above every index, so that indexes and slots share one map. */
export const FIRST_SLOT = 0x10000;

/** Connections to it are refused at once: no endpoint anywhere (KPX-10). */
export const REFUSE = 0;
/** Dropped in silence: endpoints exist, but a Local policy confines us to this node, which has none (PROXY-25). */
export const DISCARD = 0xffff_0000;

/** A sticky Service in v6, which has a chain of its own. */
export const OWN_CHAIN = 0xfffe_0000;

/** A host port: one endpoint, on this node, and whoever asks keeps the source address. */
export const ONE_POD = 0xfffd_0000;

/** A class is a number that says it all, so that it needs no register: endpoint count, and timeout << 15 if sticky. */
export function classOf(family: Family, count: number, stickySeconds = 0): number {
  if (count === 0) return REFUSE;
  return family === 6 && stickySeconds > 0 ? OWN_CHAIN : stickySeconds * 0x8000 + count;
}

/** Plain choice among so many endpoints: the class is the count. */
export const isSpread = (number: number): boolean => number > 0 && number <= MAX_ENDPOINTS;

export interface ClassParts {
  readonly element: Element;
  readonly chains: readonly Chain[];
}

const always = (then: Rule['then']): Rule => ({ when: [], then });

const spreadChain = (front: Front, name: string, count: number): Chain => ({
  name,
  rules: [
    always({ do: 'set mark random', mod: count }),
    ...(front.local ? [always({ do: 'set mark', mask: 0xffff_ffff, value: KEEP_SOURCE })] : []),
    always({ do: 'dnat to map', family: front.family, fields: [...front.fields, 'meta mark'], map: `${front.name}-endpoints` }),
  ],
});

const onePodChain = (front: Front, name: string): Chain => ({
  name,
  rules: [
    always({ do: 'set mark', mask: 0, value: KEEP_SOURCE }),
    always({ do: 'dnat to map', family: front.family, fields: [...front.fields, 'meta mark'], map: `${front.name}-endpoints` }),
  ],
});

/** The chains of one class at one front, and the element that leads there. */
export function classParts(front: Front, number: number): ClassParts {
  const leadTo = (chain: string, chains: readonly Chain[]): ClassParts => ({ element: { key: [number], verdict: { do: 'goto', chain } }, chains });
  if (number === REFUSE) return leadTo('refuse', []);
  if (number === DISCARD) return { element: { key: [number], verdict: { do: 'drop' } }, chains: [] };
  if (number === ONE_POD) {
    const name = `${front.name}/host-port`;
    return leadTo(name, [onePodChain(front, name)]);
  }
  if (number === OWN_CHAIN) {
    const name = `${front.name}/own`;
    return leadTo(name, [{ name, rules: [always({ do: 'vmap', fields: front.fields, map: `${front.name}-own` })] }]);
  }
  const count = number % 0x8000;
  const seconds = Math.floor(number / 0x8000);
  const name = `${front.name}/${seconds > 0 ? `sticky-${count}-${seconds}s` : `spread-${count}`}`;
  return leadTo(name, seconds > 0 ? stickyChains(front, { name, count, seconds }) : [spreadChain(front, name, count)]);
}
