// The maps and chains that carry Services. A front is one way to address a Service port: by virtual address or by node
// port, with the whole cluster's endpoints or the local ones, in v4 or v6: eight fronts, all of one shape.
//
//   map F            front key           → class     what kind of Service port this is (classes.ts)
//   map F-classes    class               → chain
//   map F-endpoints  front key . index   → address . port             index random in [0, count); local: | KEEP_SOURCE
//   map F-slots      front key . index   → slot, and slot → slot      sticky only: which slots exist
//   map F-sticky     front key . slot    → address . port             sticky only
//   map F-clients    client . front key  → slot                       sticky, v4; filled by packets
//   map F-own        front key           → chain                      sticky, v6: see sticky.ts
//
// So a change of a Service is a change of elements; a chain exists per endpoint count and timeout only.
import type { Family } from '../../kube/objects/meta.ts';
import { addressOf, printAddress } from '../../base/net/address.ts';
import type { Endpoint } from '../../model/network-model.ts';
import type { Chain, Field, FieldType, FieldValue, NftSet, Rule } from '../nft/ruleset.ts';

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

/** One text per address: endpoints and virtual addresses may be written in several ways in IPv6. */
export const canonicalAddress = (address: string): string => (address.includes(':') ? printAddress(addressOf(address)) : address);

/** Where an endpoint leads, as the data of an element. */
export const dataOf = ({ address, port }: Endpoint): FieldValue[] => [canonicalAddress(address), port];

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

/** How many clients are remembered; more simply are not sticky. */
export const MOST_CLIENTS = 65_536;

export function frontSets(front: Front): Omit<NftSet, 'elements'>[] {
  const { name, key, family } = front;
  const endpoint: FieldType[] = [addressType(family), 'inet_service'];
  return [
    { name, type: 'map', key, data: ['number'] },
    { name: `${name}-classes`, type: 'vmap', key: ['number'] },
    { name: `${name}-endpoints`, type: 'map', key: [...key, 'number'], data: endpoint },
    { name: `${name}-slots`, type: 'map', key: [...key, 'number'], data: ['number'] },
    { name: `${name}-sticky`, type: 'map', key: [...key, 'number'], data: endpoint },
    family === 4
      ? { name: `${name}-clients`, type: 'map', key: [addressType(family), ...key], data: ['number'], dynamic: { size: MOST_CLIENTS } }
      : { name: `${name}-own`, type: 'vmap', key },
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
