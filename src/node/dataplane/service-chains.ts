// The chains that every connection to a Service walks; they are the same on every node and never change.
// The rules of masquerade are those of model/services/masquerade.ts, in the same order.
import type { Family } from '../../kube/objects/meta.ts';
import type { Chain, Field, Match, NftSet, Rule } from '../nft/ruleset.ts';
import { KEEP_SOURCE } from './classes.ts';
import { addressing, dispatchChain, enterFront, frontFor, fronts, frontSets } from './fronts.ts';
import { baseChain } from './hooks.ts';

const families = [4, 6] as const;
const { sourceOf, destinationOf, addressType } = addressing;

const inSet = (fields: readonly Field[], set: string, negate = false): Match => ({ match: 'in set', fields, set, negate });
const source = (family: Family, set: string, negate = false): Match => inSet([sourceOf(family)], `${set}${family}`, negate);
const destination = (family: Family, set: string, negate = false): Match =>
  inSet([destinationOf(family)], `${set}${family}`, negate);

const translated: Match = { match: 'ct status dnat', is: true };
const nodePortHere = (family: Family): Match[] => [{ match: 'local destination' }, destination(family, 'node-port-addresses')];

/** What comes over a link. Sources that a load balancer's ranges exclude go first; then clients confined to this node. */
function arriving(family: Family): Rule[] {
  const service = frontFor(family, 'address', false).fields;
  const outside = source(family, 'pods', true);
  return [
    {
      when: [inSet(service, `guarded${family}`), inSet([...service, sourceOf(family)], `allowed-sources${family}`, true)],
      then: { do: 'drop' },
    },
    enterFront(frontFor(family, 'address', true), [outside]),
    // Outside first: it spares pods the question whose address it is, which is a look into the routing table.
    enterFront(frontFor(family, 'nodePort', true), [outside, ...nodePortHere(family)]),
  ];
}

/**
 * What everyone meets. A cluster IP that has no such port refuses; one that nobody has is silent (PROXY-74).
 * An announced address is one of the machine's own, but not for its processes and node ports: it refuses, too.
 */
const everyone = (family: Family): Rule[] => [
  enterFront(frontFor(family, 'address', false)),
  { when: [destination(family, 'cluster-ips')], then: { do: 'goto', chain: 'refuse' } },
  { when: [destination(family, 'service-ranges')], then: { do: 'drop' } },
  { when: [destination(family, 'announced')], then: { do: 'goto', chain: 'refuse' } },
  enterFront(frontFor(family, 'nodePort', false), nodePortHere(family)),
];

/** First of all: a pod that reached itself by its host port would keep its source otherwise. */
const hairpin = (family: Family): Rule => ({
  when: [translated, source(family, 'pods'), inSet([sourceOf(family), destinationOf(family)], `hairpin${family}`)],
  then: { do: 'masquerade' },
});

function leaving(family: Family): Rule[] {
  return [
    {
      when: [translated, source(family, 'kept', true), { match: 'local source', is: false }],
      then: { do: 'masquerade' },
    },
    { when: [source(family, 'own-pods'), destination(family, 'inside', true)], then: { do: 'masquerade' } },
  ];
}

/** A Local external policy and a host port show the endpoint its client. */
const keepSource: Rule = {
  when: [translated, { match: 'mark', mask: KEEP_SOURCE, value: KEEP_SOURCE }],
  then: { do: 'accept' },
};

const refuse: Chain = {
  name: 'refuse',
  rules: [
    { when: [{ match: 'field', field: 'meta l4proto', op: '==', value: 'tcp' }], then: { do: 'reject', with: 'tcp reset' } },
    { when: [], then: { do: 'reject', with: 'port-unreachable' } },
  ],
};

const toServices: Rule = { when: [], then: { do: 'jump', chain: 'services' } };

export const serviceChains: readonly Chain[] = [
  refuse,
  ...fronts.map(dispatchChain),
  { name: 'services', rules: families.flatMap(everyone) },
  baseChain('nat-prerouting', [...families.flatMap(arriving), toServices]),
  baseChain('nat-output', [toServices]),
  baseChain('nat-postrouting', [...families.map(hairpin), keepSource, ...families.flatMap(leaving)]),
];

/** The same element may come from several Services: from two ports of one cluster IP, from two Services of one pod. */
export const sharedSets: readonly string[] = families.flatMap((family) => [`cluster-ips${family}`, `hairpin${family}`]);

/** Shapes of every set that Services fill; the elements come from services.ts. */
export const serviceSets: readonly Omit<NftSet, 'elements'>[] = [
  ...fronts.flatMap(frontSets),
  ...families.flatMap((family): Omit<NftSet, 'elements'>[] => {
    const address = addressType(family);
    const { key } = frontFor(family, 'address', false);
    return [
      { name: `cluster-ips${family}`, type: 'set', key: [address] },
      { name: `hairpin${family}`, type: 'set', key: [address, address] },
      { name: `guarded${family}`, type: 'set', key },
      { name: `allowed-sources${family}`, type: 'set', key: [...key, address], interval: true },
    ];
  }),
];
