// Ruleset → the text that `nft -f` reads. Serves the text driver, error messages and people who want to see the rules.
// nft 1.0.6 knows no quoting of names, so names must already be words (nftName makes them); comments end at 128 bytes.
import { createHash } from 'node:crypto';
import { printRef } from '../../kube/meaning/print-ref.ts';
import type { Ref } from '../../kube/objects/meta.ts';
import type { Action, Chain, Element, Field, FieldType, Match, NftSet, Rule, Ruleset, VerdictAction } from './ruleset.ts';
import { allElements } from './ruleset.ts';

const COMMENT_BYTES = 128;
/** The kernel's limit is 255; shorter names keep listings readable. */
const NAME_LENGTH = 200;
const LOG_PREFIX_BYTES = 127;

/** A name that nft accepts: letters, digits, `/ - _ .`, a letter first. What had to be cut ends in a hash of the whole. */
export function nftName(text: string): string {
  const word = text.replaceAll(/[^A-Za-z0-9/_.-]/g, '-').replace(/^(?![A-Za-z])/, 'n');
  if (word.length <= NAME_LENGTH && word === text) return word;
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 8);
  return `${word.slice(0, NAME_LENGTH - 9)}-${hash}`;
}

/** Kernel words cannot be escaped in nft's strings, so quotes and control characters go. */
const quoted = (text: string, bytes: number): string =>
  `"${Buffer.from(text.replaceAll(/["\\\p{Cc}]/gu, "'")).subarray(0, bytes).toString('utf8').replaceAll('\uFFFD', '')}"`;

const comment = (origin: Ref | undefined): string => (origin ? ` comment ${quoted(printRef(origin), COMMENT_BYTES)}` : '');

const hex = (value: number): string => `0x${(value >>> 0).toString(16).padStart(8, '0')}`;

const typeNames: Record<FieldType, string> = {
  ipv4_addr: 'ipv4_addr',
  ipv6_addr: 'ipv6_addr',
  inet_proto: 'inet_proto',
  inet_service: 'inet_service',
  ifname: 'ifname',
  number: 'mark',
};

const printTypes = (types: readonly FieldType[]): string => types.map((type) => typeNames[type]).join(' . ');

function printType(set: NftSet): string {
  const data = set.type === 'vmap' ? ' : verdict' : set.data ? ` : ${printTypes(set.data)}` : '';
  return `type ${printTypes(set.key)}${data}`;
}

const printFields = (fields: readonly Field[]): string =>
  fields.map((field) => (field === 'iifname' ? 'meta iifname' : field)).join(' . ');

export function printVerdict(verdict: VerdictAction): string {
  return verdict.do === 'jump' || verdict.do === 'goto' ? `${verdict.do} ${verdict.chain}` : verdict.do;
}

const printValues = (values: readonly (string | number)[], types: readonly FieldType[]): string =>
  values.map((value, i) => (types[i] === 'ifname' ? `"${value}"` : String(value))).join(' . ');

/** Enough to delete the element by. */
export const printKeyOf = (set: NftSet, element: Element): string => printValues(element.key, set.key);

/** `10.96.0.10 . tcp . 80 comment "Service default/web" : 3`, as it stands between braces. */
export function printElement(set: NftSet, element: Element): string {
  const key = printKeyOf(set, element);
  const value = element.verdict ? printVerdict(element.verdict) : element.data ? printValues(element.data, set.data ?? []) : '';
  return `${key}${comment(element.origin)}${value === '' ? '' : ` : ${value}`}`;
}

/** The set without its elements, as the body of `add set` or `add map`. */
export function printSetHead(set: NftSet): string {
  const flags = [set.interval && 'interval', set.dynamic && 'dynamic', set.dynamic && 'timeout'].filter(Boolean);
  const parts = [
    printType(set),
    set.dynamic && `size ${set.dynamic.size}`,
    flags.length > 0 && `flags ${flags.join(',')}`,
    set.dynamic?.timeoutSeconds && `timeout ${set.dynamic.timeoutSeconds}s`,
  ].filter(Boolean);
  return parts.map((part) => `${part};`).join(' ');
}

/** nft's word for the thing: maps and verdict maps are both `map`. */
export const setWord = (set: NftSet): 'set' | 'map' => (set.type === 'set' ? 'set' : 'map');

type MatchOf<K extends Match['match']> = Extract<Match, { match: K }>;
type ActionOf<K extends Action['do']> = Extract<Action, { do: K }>;

const matchPrinters: { readonly [K in Match['match']]: (match: MatchOf<K>) => string } = {
  family: ({ family }) => `meta nfproto ipv${family}`,
  'ct state': ({ states }) => `ct state ${states.join(',')}`,
  'ct status dnat': ({ is }) => (is ? 'ct status dnat' : 'ct status & dnat == 0'),
  field: ({ field, op, value }) => `${printFields([field])} ${op} ${field === 'iifname' ? `"${value}"` : value}`,
  'in set': ({ fields, set, negate }) => `${printFields(fields)} ${negate ? '!= ' : ''}@${set}`,
  mark: ({ mask, value, negate }) => `meta mark & ${hex(mask)} ${negate ? '!=' : '=='} ${hex(value)}`,
  'local destination': () => 'fib daddr type local',
  'local source': ({ is }) => `fib saddr type ${is ? '' : '!= '}local`,
  limit: ({ perSecond }) => `limit rate ${perSecond}/second`,
};

const rejections = {
  'tcp reset': 'reject with tcp reset',
  'port-unreachable': 'reject with icmpx port-unreachable',
  'admin-prohibited': 'reject with icmpx admin-prohibited',
} as const;

const dnatTo = (family: 4 | 6): string => (family === 4 ? 'dnat ip to' : 'dnat ip6 to');

const actionPrinters: { readonly [K in Action['do']]: (action: ActionOf<K>) => string } = {
  accept: printVerdict,
  drop: printVerdict,
  return: printVerdict,
  jump: printVerdict,
  goto: printVerdict,
  reject: (action) => rejections[action.with],
  vmap: ({ fields, map }) => `${printFields(fields)} vmap @${map}`,
  'set mark': ({ mask, value }) =>
    mask === 0 ? `meta mark set ${hex(value)}` : `meta mark set meta mark & ${hex(mask)} | ${hex(value)}`,
  'set mark random': ({ mod }) => `meta mark set numgen random mod ${mod}`,
  'set mark from map': ({ fields, map, verdict }) =>
    `meta mark set ${printFields(fields)} map @${map}${verdict ? ` ${printVerdict(verdict)}` : ''}`,
  'update map with mark': ({ fields, map, timeoutSeconds }) =>
    `update @${map} { ${printFields(fields)} timeout ${timeoutSeconds}s : meta mark }`,
  'forget in map': ({ fields, map }) => `delete @${map} { ${printFields(fields)} : meta mark }`,
  'dnat to map': ({ family, fields, map }) => `${dnatTo(family)} ${printFields(fields)} map @${map}`,
  dnat: ({ family, address, port }) => `${dnatTo(family)} ${family === 6 ? `[${address}]` : address}:${port}`,
  masquerade: () => 'masquerade fully-random',
  log: ({ prefix, group }) => `log prefix ${quoted(prefix, LOG_PREFIX_BYTES)} group ${group}`,
  counter: () => 'counter',
};

// The tables are typed by kind, but a look-up by a union loses the pairing: hence the two casts.
const printMatch = (match: Match): string => (matchPrinters[match.match] as (match: Match) => string)(match);
const printAction = (action: Action): string => (actionPrinters[action.do] as (action: Action) => string)(action);

/** One line: conditions, action, origin. */
export const printRule = (rule: Rule): string =>
  `${[...rule.when.map(printMatch), printAction(rule.then)].join(' ')}${comment(rule.origin)}`;

/** `type nat hook prerouting priority -100; policy accept;` or nothing for a regular chain. */
export const printHook = ({ hook }: Chain): string =>
  hook ? `type ${hook.type} hook ${hook.hook} priority ${hook.priority}; policy ${hook.policy};` : '';

function printSet(set: NftSet): string {
  const elements = [...allElements(set).values()].map((element) => `    ${printElement(set, element)}`);
  const body = elements.length > 0 ? `\n    elements = {\n${elements.join(',\n')}\n    }` : '';
  return `  ${setWord(set)} ${set.name} {\n    ${printSetHead(set)}${body}\n  }`;
}

function printChain(chain: Chain): string {
  const lines = [printHook(chain), ...chain.rules.map(printRule)].filter((line) => line !== '');
  return `  chain ${chain.name} {\n${lines.map((line) => `    ${line}\n`).join('')}  }`;
}

/** The whole table, as `nft list table` would show it. Sets come first: rules refer to them. */
export function printRuleset(ruleset: Ruleset): string {
  const parts = [...[...ruleset.sets.values()].map(printSet), ...[...ruleset.chains.values()].map(printChain)];
  return `table inet ${ruleset.table} {\n${parts.join('\n')}\n}\n`;
}
