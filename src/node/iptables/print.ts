// Rules as iptables-restore reads them, close to how iptables-save prints them.
import type { Family } from '../../kube/objects/meta.ts';
import type { HookRule, IptablesChain, IptablesMatch, IptablesRule, IptablesTable, Target, TableName } from './rules.ts';
import type { SavedTable } from './saved.ts';

/** What the kernel has room for. */
const LONGEST_COMMENT = 255;
const LONGEST_PREFIX = 63;

const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
const not = (negate: boolean | undefined): string => (negate ? '! ' : '');
const hex = (bit: number): string => `0x${bit.toString(16)}`;

function printAddress(match: IptablesMatch & { match: 'source' | 'destination' }): string {
  const { range, negate } = match;
  if (range.includes('-')) return `-m iprange ${not(negate)}--${match.match === 'source' ? 'src' : 'dst'}-range ${range}`;
  return `${not(negate)}-${match.match === 'source' ? 's' : 'd'} ${range}`;
}

function printProtocol(protocol: string, ports: readonly (number | string)[] | undefined): string {
  if (!ports) return `-p ${protocol}`;
  return ports.length === 1 ? `-p ${protocol} --dport ${ports[0]}` : `-p ${protocol} -m multiport --dports ${ports.join(',')}`;
}

function printMatch(match: IptablesMatch): string {
  switch (match.match) {
    case 'source':
    case 'destination':
      return printAddress(match);
    case 'protocol':
      return printProtocol(match.protocol, match.ports);
    case 'ct state':
      return `-m conntrack --ctstate ${match.states.join(',')}`;
    case 'local source':
      return '-m addrtype --src-type LOCAL';
    case 'local destination':
      return '-m addrtype --dst-type LOCAL';
    case 'mark':
      return `-m mark ${not(match.negate)}--mark ${hex(match.bit)}/${hex(match.bit)}`;
    case 'chance':
      return `-m statistic --mode random --probability ${match.of.toFixed(10)}`;
    case 'remembered':
      return `-m recent --name ${match.list} --rcheck --seconds ${match.seconds} --reap --rsource`;
    case 'remember':
      return `-m recent --name ${match.list} --set --rsource`;
  }
}

const rejections = {
  'tcp-reset': { 4: 'tcp-reset', 6: 'tcp-reset' },
  'port-unreachable': { 4: 'icmp-port-unreachable', 6: 'icmp6-port-unreachable' },
} as const;

const printDestination = ({ address, port }: Target & { do: 'dnat' }): string => `${address.includes(':') ? `[${address}]` : address}:${port}`;

const plainTargets = { accept: 'ACCEPT', drop: 'DROP', return: 'RETURN', masquerade: 'MASQUERADE --random-fully' } as const;

function printTarget(target: Target, family: Family): string {
  switch (target.do) {
    case 'jump':
      return `-j ${target.chain}`;
    case 'goto':
      return `-g ${target.chain}`;
    case 'reject':
      return `-j REJECT --reject-with ${rejections[target.with][family]}`;
    case 'set mark':
      return `-j MARK --or-mark ${hex(target.bit)}`;
    case 'flip mark':
      return `-j MARK --xor-mark ${hex(target.bit)}`;
    case 'dnat':
      return `-j DNAT --to-destination ${printDestination(target)}`;
    case 'log':
      return `-j NFLOG --nflog-group ${target.group} --nflog-prefix ${quote(target.prefix.slice(0, LONGEST_PREFIX))}`;
    default:
      return `-j ${plainTargets[target.do]}`;
  }
}

const printed = { 4: new WeakMap<IptablesRule, string>(), 6: new WeakMap<IptablesRule, string>() };

/** Without the chain. Remembered per rule: most rules of a change are those of before. */
export function printRule(rule: IptablesRule, family: Family): string {
  const known = printed[family].get(rule);
  if (known !== undefined) return known;
  const comment = rule.comment === undefined ? [] : [`-m comment --comment ${quote(rule.comment.slice(0, LONGEST_COMMENT))}`];
  const text = [...comment, ...rule.when.map(printMatch), printTarget(rule.then, family)].join(' ');
  printed[family].set(rule, text);
  return text;
}

export const printChain = ({ name, rules }: IptablesChain, family: Family): string => rules.map((rule) => `-A ${name} ${printRule(rule, family)}\n`).join('');

/** Makes the chain, or empties it. */
const declare = (name: string): string => `:${name} - [0:0]\n`;

export interface TableChanges {
  /** New ones, and those with other rules than before. */
  readonly write: readonly IptablesChain[];
  readonly remove: readonly string[];
}

/**
 * iptables-nft 1.8.9 walks the list of all chains of a transaction at every line: 11,000 of them take it four seconds.
 * As chains stand after those they jump to, a long list may be written in pieces, the ways into it last.
 */
const CHAINS_AT_ONCE = 250;

function piecesOf(chains: readonly IptablesChain[]): (readonly IptablesChain[])[] {
  const pieces = [chains.slice(0, CHAINS_AT_ONCE)];
  for (let at = CHAINS_AT_ONCE; at < chains.length; at += CHAINS_AT_ONCE) pieces.push(chains.slice(at, at + CHAINS_AT_ONCE));
  return pieces;
}

interface Piece extends TableChanges {
  readonly hooks: string;
}

/** Declared before used, emptied before deleted. */
function printPiece(table: TableName, family: Family, { write, remove, hooks }: Piece): string {
  const declared = [...write.map(({ name }) => name), ...remove].map(declare).join('');
  const gone = remove.map((name) => `-X ${name}\n`).join('');
  return `*${table}\n${declared}${write.map((chain) => printChain(chain, family)).join('')}${hooks}${gone}COMMIT\n`;
}

/** One table's part of a script. Empty where nothing changes. */
function printTable(table: TableName, family: Family, { write, remove }: TableChanges, hooks = ''): string {
  if (write.length + remove.length === 0 && hooks === '') return '';
  const pieces = piecesOf(write);
  return pieces.map((piece, i) => printPiece(table, family, i === pieces.length - 1 ? { write: piece, remove, hooks } : { write: piece, remove: [], hooks: '' })).join('');
}

export const printChanges = (table: TableName, family: Family, changes: TableChanges): string => printTable(table, family, changes);

function printHooks(hooks: readonly HookRule[], family: Family): string {
  const counts = new Map<string, number>();
  return hooks
    .map(({ hook, rule }) => {
      const position = (counts.get(hook) ?? 0) + 1;
      counts.set(hook, position);
      return `-I ${hook} ${position} ${printRule(rule, family)}\n`;
    })
    .join('');
}

/** From whatever the kernel was found to hold of ours: our rules in hooks anew at the top, every chain written. */
export function printReplacement(table: TableName, family: Family, { wish, found }: { wish: IptablesTable; found: SavedTable }): string {
  const old = found.hookRules.map((line) => `${line.replace(/^-A/, '-D')}\n`).join('');
  const remove = [...found.ruleCounts.keys()].filter((name) => !wish.chains.has(name));
  return printTable(table, family, { write: [...wish.chains.values()], remove }, old + printHooks(wish.hooks, family));
}
