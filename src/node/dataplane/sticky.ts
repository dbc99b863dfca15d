// Session affinity: a client that is known goes to the slot it had, another gets a random one and is remembered.
//
//   sticky: known client ─▶ known: slot still there ─▶ pin: remember, translate
//        │                       └─ no: forget ─┐
//        └─ random slot ◀───────────────────────┘ ─▶ pin
//
// In v4 one map remembers the clients of all Services. In v6 that key would be 40 bytes long, and nft 1.0.6 aborts on
// statements that write to a map by a key of more than 16 (netlink_linearize.c takes one register for it); so there a
// sticky Service has chains and a map of clients of its own, whose key is the client's address alone.
import type { Chain, Field, NftSet, Rule } from '../nft/ruleset.ts';
import { addressing, type Front, MOST_CLIENTS } from './fronts.ts';

export interface Stickiness {
  /** Of the chain that a connection enters. */
  readonly name: string;
  readonly count: number;
  readonly seconds: number;
}

interface Memory {
  readonly map: string;
  readonly key: readonly Field[];
  readonly known: string;
  readonly pin: string;
}

const always = (then: Rule['then']): Rule => ({ when: [], then });

function chainsWith(front: Front, { name, count, seconds }: Stickiness, { map, key, known, pin }: Memory): Chain[] {
  const slot: Field[] = [...front.fields, 'meta mark'];
  const toPin = always({ do: 'set mark from map', fields: slot, map: `${front.name}-slots`, verdict: { do: 'goto', chain: pin } });
  return [
    {
      name: pin,
      rules: [
        always({ do: 'update map with mark', fields: key, map, timeoutSeconds: seconds }),
        always({ do: 'dnat to map', family: front.family, fields: slot, map: `${front.name}-sticky` }),
      ],
    },
    // The endpoint behind the slot is gone: an update would keep the old slot, so it is forgotten first (KPX-55).
    { name: known, rules: [toPin, always({ do: 'forget in map', fields: key, map })] },
    {
      name,
      rules: [
        always({ do: 'set mark from map', fields: key, map, verdict: { do: 'jump', chain: known } }),
        always({ do: 'set mark random', mod: count }),
        toPin,
      ],
    },
  ];
}

/** For all Services of one count and timeout (v4). */
export const stickyChains = (front: Front, stickiness: Stickiness): Chain[] =>
  chainsWith(front, stickiness, {
    map: `${front.name}-clients`,
    key: [addressing.sourceOf(front.family), ...front.fields],
    known: `${front.name}/known-${stickiness.seconds}s`,
    pin: `${front.name}/pin-${stickiness.seconds}s`,
  });

/** For one Service (v6). */
export function ownStickyParts(front: Front, stickiness: Stickiness): { chains: Chain[]; clients: NftSet } {
  const { name } = stickiness;
  const map = `${name}/clients`;
  const key = [addressing.sourceOf(front.family)];
  return {
    chains: chainsWith(front, stickiness, { map, key, known: `${name}/known`, pin: `${name}/pin` }),
    clients: { name: map, type: 'map', key: [addressing.addressType(front.family)], data: ['number'], dynamic: { size: MOST_CLIENTS }, elements: new Map() },
  };
}
