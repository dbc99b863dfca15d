// The string functions of CEL's extension library, by code points; and regular expressions that find.
import { findAll, findFirst } from '../../values/pattern.ts';
import type { Budget, Library } from '../environment.ts';
import { codePoints, EvalError, isNarrow } from '../values.ts';
import { spent } from './arithmetic.ts';
import { formatText } from './format-text.ts';

const fail = (message: string): never => {
  throw new EvalError(message);
};

// Unicode's White_Space, which JavaScript's trim() does not quite follow.
const blank = '[\\u0009-\\u000d\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const blanks = new RegExp(`^${blank}+|${blank}+$`, 'gu');

function charAt(text: string, at: bigint): string {
  const letters = codePoints(text);
  if (at < 0n || at > BigInt(letters.length)) fail(`index out of range: ${at}`);
  return letters[Number(at)] ?? '';
}

function substring(text: string, from: bigint, to?: bigint): string {
  const letters = isNarrow(text) ? undefined : codePoints(text);
  const last = BigInt((letters ?? text).length);
  const end = to ?? last;
  if (from < 0n || from > last) fail(`index out of range: ${from}`);
  if (end < 0n || end > last) fail(`index out of range: ${end}`);
  if (from > end) fail(`invalid substring range. start: ${from}, end: ${end}`);
  return letters ? letters.slice(Number(from), Number(end)).join('') : text.slice(Number(from), Number(end));
}

/** In code points; -1 when it is not there. */
function indexOf(text: string, part: string, from = 0n): bigint {
  const letters = codePoints(text);
  if (from < 0n || from > BigInt(letters.length)) fail(`index out of range: ${from}`);
  const skipped = letters.slice(0, Number(from)).join('').length;
  const at = text.indexOf(part, skipped);
  return at < 0 ? -1n : BigInt(codePoints(text.slice(0, at)).length);
}

function lastIndexOf(text: string, part: string, from?: bigint): bigint {
  const letters = codePoints(text);
  if (from !== undefined && (from < 0n || from > BigInt(letters.length))) fail(`index out of range: ${from}`);
  const limit = from === undefined ? text.length : letters.slice(0, Number(from)).join('').length;
  const at = text.lastIndexOf(part, limit);
  return at < 0 ? -1n : BigInt(codePoints(text.slice(0, at)).length);
}

function replace(text: string, { part, by, limit }: { part: string; by: string; limit: bigint }, budget: Budget): string {
  if (limit === 0n) return text;
  const pieces = part === '' ? codePoints(text) : text.split(part);
  const count = limit < 0n ? Number.POSITIVE_INFINITY : Number(limit);
  spent(budget, text.length + Math.min(count, pieces.length + 1) * by.length);
  if (part === '') return [...pieces.map((letter, i) => (i < count ? by + letter : letter)), pieces.length < count ? by : ''].join('');
  return pieces.reduce((joined, piece, i) => (i === 0 ? piece : joined + (i <= count ? by : part) + piece), '');
}

function split(text: string, by: string, limit = -1n): string[] {
  if (limit === 0n) return [];
  const pieces = by === '' ? codePoints(text) : text.split(by);
  if (limit < 0n || BigInt(pieces.length) <= limit) return pieces;
  const count = Number(limit);
  return [...pieces.slice(0, count - 1), pieces.slice(count - 1).join(by)];
}

function join(items: readonly unknown[], by: string, budget: Budget): string {
  if (items.some((item) => typeof item !== 'string')) fail('no such overload');
  spent(budget, items.reduce((sum: number, item) => sum + (item as string).length + by.length, 0));
  return items.join(by);
}

const ascii = (text: string, change: 'toLowerCase' | 'toUpperCase'): string => text.replaceAll(/[A-Za-z]+/g, (letters) => letters[change]());

const quoted: Readonly<Record<string, string>> = { '\u0007': '\\a', '\b': '\\b', '\f': '\\f', '\n': '\\n', '\r': '\\r', '\t': '\\t', '\v': '\\v', '\\': '\\\\', '"': '\\"' };
const quote = (text: string): string => `"${text.toWellFormed().replaceAll(/["\\\p{Cc}]/gu, (letter) => quoted[letter] ?? letter)}"`;

type Text = [string, string];

function find(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return fail((error as Error).message);
  }
}

const searched = (budget: Budget, text: string, pattern: string): true => {
  budget.spend(1 + Math.ceil((text.length + 1) / 10) * Math.ceil(pattern.length / 4));
  return true;
};

const plainText: Library = [
  ['string.charAt(int): string', ([text, at]: [string, bigint]) => charAt(text, at)],
  ['string.substring(int): string', ([text, from]: [string, bigint]) => substring(text, from)],
  ['string.substring(int, int): string', ([text, from, to]: [string, bigint, bigint]) => substring(text, from, to)],
  ['string.indexOf(string): int', ([text, part]: Text) => indexOf(text, part)],
  ['string.indexOf(string, int): int', ([text, part, from]: [string, string, bigint]) => indexOf(text, part, from)],
  ['string.lastIndexOf(string): int', ([text, part]: Text) => lastIndexOf(text, part)],
  ['string.lastIndexOf(string, int): int', ([text, part, from]: [string, string, bigint]) => lastIndexOf(text, part, from)],
  ['string.lowerAscii(): string', ([text]: Text) => ascii(text, 'toLowerCase')],
  ['string.upperAscii(): string', ([text]: Text) => ascii(text, 'toUpperCase')],
  ['string.replace(string, string): string', ([text, part, by]: [string, string, string], budget) => replace(text, { part, by, limit: -1n }, budget)],
  ['string.replace(string, string, int): string', ([text, part, by, limit]: [string, string, string, bigint], budget) => replace(text, { part, by, limit }, budget)],
  ['string.split(string): list<string>', ([text, by]: Text) => split(text, by)],
  ['string.split(string, int): list<string>', ([text, by, limit]: [string, string, bigint]) => split(text, by, limit)],
  ['list<string>.join(): string', ([items]: [unknown[]], budget) => join(items, '', budget)],
  ['list<string>.join(string): string', ([items, by]: [unknown[], string], budget) => join(items, by, budget)],
  ['string.trim(): string', ([text]: Text) => text.replaceAll(blanks, '')],
  ['string.reverse(): string', ([text]: Text) => codePoints(text).toReversed().join('')],
  ['strings.quote(string): string', ([text]: Text) => quote(text)],
  ['string.format(list<dyn>): string', ([text, args]: [string, unknown[]], budget) => formatText(text, args, budget)],
  ['string.find(string): string', ([text, pattern]: Text, budget) => searched(budget, text, pattern) && find(() => findFirst(text, pattern))],
  ['string.findAll(string): list<string>', ([text, pattern]: Text, budget) => searched(budget, text, pattern) && find(() => findAll(text, pattern, -1))],
  ['string.findAll(string, int): list<string>', ([text, pattern, limit]: [string, string, bigint], budget) => searched(budget, text, pattern) && find(() => findAll(text, pattern, Number(limit)))],
];

/** All of them at least look through their text. */
export const text: Library = plainText.map(([signature, run]) => [signature, (args, budget) => spent(budget, typeof args[0] === 'string' ? args[0].length : 1) && run(args, budget)]);
