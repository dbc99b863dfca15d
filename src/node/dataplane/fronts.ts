// The maps and chains that carry Services. A front is one way to address a Service port: by virtual address or by node
// port, with the whole cluster's endpoints or the local ones, in v4 or v6: eight fronts, all of one shape.
//
//   map F            front key           → class     what kind of Service port this is (see Class)
//   map F-classes    class               → chain
//   map F-endpoints  front key . index   → address . port             index random in [0, count); local: | KEEP_SOURCE
//   map F-slots      front key . index   → slot, and slot → slot      sticky only: which slots exist
//   map F-sticky     front key . slot    → address . port             sticky only
//   map F-clients    client . front key  → slot                       sticky only; filled by packets
//
// So a change of a Service is a change of elements; a chain exists per distinct endpoint count and timeout only.
import type { Family } from '../../kube/objects/meta.ts';
import type { Chain, Element, Field, FieldType, NftSet, Rule } from '../nft/ruleset.ts';

export interface Front {
  readonly name: string;
  readonly family: Family;
  readonly by: 'address' | 'nodePort';
  /** Only endpoints of this node; the client's address stays as it is. */
  readonly local: boolean;
  readonly fields: readonly Field[];
  readonly key: readonly FieldType[];
}

const sourceOf = (family: Family): Field => (family === 4 ? 'ip saddr' : 'ip6 saddr');
const destinationOf = (family: Family): Field => (family === 4 ? 'ip daddr' : 'ip6 daddr');
const addressType = (family: Family): FieldType => (family === 4 ? 'ipv4_addr' : 'ipv6_addr');
export const addressing = { sourceOf, destinationOf, addressType };

function frontOf(family: Family, by: Front['by'], local: boolean): Front {
  const name = `${by === 'address' ? 'service' : 'nodeport'}${local ? '-local' : ''}${family}`;
  const fields: Field[] = ['meta l4proto', 'th dport'];
  const key: FieldType[] = ['inet_proto', 'inet_service'];
  if (by === 'nodePort') return { name, family, by, local, fields, key };
  return { name, family, by, local, fields: [destinationOf(family), ...fields], key: [addressType(family), ...key] };
}

export const fronts: readonly Front[] = ([4, 6] as const).flatMap((family) =>
  (['address', 'nodePort'] as const).flatMap((by) => [frontOf(family, by, false), frontOf(family, by, true)]),
);

export const frontFor = (family: Family, by: Front['by'], local: boolean): Front =>
  fronts.find((front) => front.family === family && front.by === by && front.local === local)!;

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

/** A class is a number that says it all, so that it needs no register: endpoint count, and timeout << 15 if sticky. */
export const classOf = (count: number, stickySeconds = 0): number =>
  count === 0 ? REFUSE : stickySeconds * 0x8000 + count;

const clients = 65_536;

export function frontSets(front: Front): Omit<NftSet, 'elements'>[] {
  const { name, key, family } = front;
  const endpoint: FieldType[] = [addressType(family), 'inet_service'];
  return [
    { name, type: 'map', key, data: ['number'] },
    { name: `${name}-classes`, type: 'vmap', key: ['number'] },
    { name: `${name}-endpoints`, type: 'map', key: [...key, 'number'], data: endpoint },
    { name: `${name}-slots`, type: 'map', key: [...key, 'number'], data: ['number'] },
    { name: `${name}-sticky`, type: 'map', key: [...key, 'number'], data: endpoint },
    { name: `${name}-clients`, type: 'map', key: [addressType(family), ...key], data: ['number'], dynamic: { size: clients } },
  ];
}

/** First a map look-up that sets the class, then this chain. */
export const enterFront = (front: Front, when: Rule['when'] = []): Rule => ({
  when,
  then: {
    do: 'set mark from map',
    fields: front.fields,
    map: front.name,
    verdict: { do: 'goto', chain: `${front.name}/dispatch` },
  },
});

export const dispatchChain = ({ name }: Front): Chain => ({
  name: `${name}/dispatch`,
  rules: [{ when: [], then: { do: 'vmap', fields: ['meta mark'], map: `${name}-classes` } }],
});

const always = (then: Rule['then']): Rule => ({ when: [], then });

function spreadChain(front: Front, name: string, count: number): Chain {
  const { family, fields } = front;
  return {
    name,
    rules: [
      always({ do: 'set mark random', mod: count }),
      ...(front.local ? [always({ do: 'set mark', mask: 0xffff_ffff, value: KEEP_SOURCE })] : []),
      always({ do: 'dnat to map', family, fields: [...fields, 'meta mark'], map: `${front.name}-endpoints` }),
    ],
  };
}

/** Known client with a slot that still exists → pin; otherwise a random slot → pin. Pin remembers and translates. */
function stickyChains(front: Front, name: string, count: number, seconds: number): Chain[] {
  const client: Field[] = [sourceOf(front.family), ...front.fields];
  const slotFields: Field[] = [...front.fields, 'meta mark'];
  const map = (part: string) => `${front.name}-${part}`;
  const known = `${front.name}/known-${seconds}s`;
  const pin = `${front.name}/pin-${seconds}s`;
  const toPin = always({ do: 'set mark from map', fields: slotFields, map: map('slots'), verdict: { do: 'goto', chain: pin } });
  return [
    {
      name: pin,
      rules: [
        always({ do: 'update map with mark', fields: client, map: map('clients'), timeoutSeconds: seconds }),
        always({ do: 'dnat to map', family: front.family, fields: slotFields, map: map('sticky') }),
      ],
    },
    // The endpoint behind the slot is gone: an update would keep the old slot, so it is forgotten first (KPX-55).
    { name: known, rules: [toPin, always({ do: 'forget in map', fields: client, map: map('clients') })] },
    {
      name,
      rules: [
        always({ do: 'set mark from map', fields: client, map: map('clients'), verdict: { do: 'jump', chain: known } }),
        always({ do: 'set mark random', mod: count }),
        toPin,
      ],
    },
  ];
}

export interface ClassParts {
  readonly element: Element;
  readonly chains: readonly Chain[];
}

/** The chains of one class at one front, and the element that leads there. */
export function classParts(front: Front, number: number): ClassParts {
  const leadTo = (chain: string): Element => ({ key: [number], verdict: { do: 'goto', chain } });
  if (number === REFUSE) return { element: leadTo('refuse'), chains: [] };
  if (number === DISCARD) return { element: { key: [number], verdict: { do: 'drop' } }, chains: [] };
  const count = number % 0x8000;
  const seconds = Math.floor(number / 0x8000);
  if (seconds === 0) {
    const name = `${front.name}/spread-${count}`;
    return { element: leadTo(name), chains: [spreadChain(front, name, count)] };
  }
  const name = `${front.name}/sticky-${count}-${seconds}s`;
  return { element: leadTo(name), chains: stickyChains(front, name, count, seconds) };
}
