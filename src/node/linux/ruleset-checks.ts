// The kernel's checks on single elements and rules: does what they refer to exist, and do the types fit?
// Each answers the fault, in the kernel's words where it has any.
import { parseAddress } from '../../base/net/address.ts';
import type { Action, Chain, Element, Field, FieldType, FieldValue, NftSet, Rule, VerdictAction } from '../nft/ruleset.ts';

const typeOf: Record<Field, FieldType> = {
  'ip saddr': 'ipv4_addr',
  'ip daddr': 'ipv4_addr',
  'ip6 saddr': 'ipv6_addr',
  'ip6 daddr': 'ipv6_addr',
  'meta l4proto': 'inet_proto',
  'th sport': 'inet_service',
  'th dport': 'inet_service',
  'meta mark': 'number',
  iifname: 'ifname',
};

const family = (text: string): 4 | 6 | undefined => parseAddress(text.split(/[-/]/)[0] ?? '')?.family;

const isPort = (value: FieldValue): boolean =>
  String(value).split('-').every((port) => /^\d{1,5}$/.test(port) && Number(port) <= 65_535);

const fits: Record<FieldType, (value: FieldValue) => boolean> = {
  ipv4_addr: (value) => typeof value === 'string' && family(value) === 4,
  ipv6_addr: (value) => typeof value === 'string' && family(value) === 6,
  inet_proto: (value) => ['tcp', 'udp', 'sctp', 'icmp', 'ipv6-icmp'].includes(String(value)),
  inet_service: isPort,
  ifname: (value) => typeof value === 'string' && value.length < 16,
  number: (value) => typeof value === 'number' && value >= 0 && value <= 0xffff_ffff,
};

const valuesFit = (values: readonly FieldValue[], types: readonly FieldType[]): boolean =>
  values.length === types.length && values.every((value, i) => fits[types[i]!](value));

const isRange = (value: FieldValue): boolean => typeof value === 'string' && (value.includes('/') || /[\d:]-[\d:]/.test(value));

type Chains = ReadonlyMap<string, Chain>;
type Sets = ReadonlyMap<string, NftSet>;

/** A verdict may not lead to a base chain, nor to nowhere. */
function checkVerdict(verdict: VerdictAction, chains: Chains): string | undefined {
  if (verdict.do !== 'jump' && verdict.do !== 'goto') return undefined;
  const chain = chains.get(verdict.chain);
  if (!chain) return `chain ${verdict.chain}: No such file or directory`;
  return chain.hook ? `chain ${verdict.chain} is a base chain: Operation not supported` : undefined;
}

function checkValue({ type, data: types = [] }: NftSet, { data, verdict }: Element, chains: Chains): string | undefined {
  if (type === 'vmap') return verdict ? checkVerdict(verdict, chains) : 'a verdict is missing';
  if (type === 'set') return data || verdict ? 'data in a set' : undefined;
  return data && valuesFit(data, types) ? undefined : `data does not fit ${types.join(' . ')}`;
}

export function checkElement(set: NftSet, element: Element, chains: Chains): string | undefined {
  if (set.dynamic) return 'filled by packets';
  if (!valuesFit(element.key, set.key)) return `key does not fit ${set.key.join(' . ')}`;
  if (!set.interval && element.key.some(isRange)) return 'a range in a set without intervals';
  return checkValue(set, element, chains);
}

const sameTypes = (a: readonly FieldType[], b: readonly FieldType[]): boolean => a.length === b.length && a.every((type, i) => type === b[i]);

function checkLookup(fields: readonly Field[], name: string, sets: Sets, wanted: NftSet['type']): string | undefined {
  const set = sets.get(name);
  if (!set) return `set ${name}: No such file or directory`;
  if (set.type !== wanted) return `${name} is a ${set.type}, not a ${wanted}`;
  const types = fields.map((field) => typeOf[field]);
  return sameTypes(types, set.key) ? undefined : `${types.join(' . ')} does not fit ${name}: ${set.key.join(' . ')}`;
}

/** In registers, where every field takes whole words. */
const widthOf = (fields: readonly Field[]): number =>
  fields.reduce((sum, field) => sum + (typeOf[field] === 'ipv6_addr' || typeOf[field] === 'ifname' ? 16 : 4), 0);

function checkMapAction(action: Extract<Action, { map: string }>, sets: Sets, chains: Chains): string | undefined {
  if (action.do === 'vmap') return checkLookup(action.fields, action.map, sets, 'vmap');
  const fault = checkLookup(action.fields, action.map, sets, 'map');
  if (fault) return fault;
  const fillsIt = action.do === 'update map with mark' || action.do === 'forget in map';
  if (fillsIt && !sets.get(action.map)!.dynamic) return `${action.map} is not dynamic`;
  if (fillsIt && widthOf(action.fields) > 16) return 'nft 1.0.6 aborts on writing to a map by a key of more than 16 bytes';
  return action.do === 'set mark from map' && action.verdict ? checkVerdict(action.verdict, chains) : undefined;
}

export function checkRule(rule: Rule, sets: Sets, chains: Chains): string | undefined {
  for (const match of rule.when) {
    const fault = match.match === 'in set' ? checkLookup(match.fields, match.set, sets, 'set') : undefined;
    if (fault) return fault;
  }
  if ('map' in rule.then) return checkMapAction(rule.then, sets, chains);
  return rule.then.do === 'jump' || rule.then.do === 'goto' ? checkVerdict(rule.then, chains) : undefined;
}
