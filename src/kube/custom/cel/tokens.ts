// A CEL expression as tokens. Bounded by the length of the text; no look-ahead beyond one token.
import { CompileError, type Literal } from './syntax.ts';

export interface Token {
  is: 'ident' | 'quoted' | 'literal' | 'punctuation' | 'end';
  text: string;
  at: number;
  value?: Literal;
}

const space = /(?:\s|\/\/[^\n]*)+/y;
const number = /0x[0-9a-fA-F]+u?|0x[0-9a-fA-F]+|(?:\d+\.\d+|\.\d+|\d+)(?:[eE][+-]?\d+)?u?/iy;
const ident = /[A-Za-z_]\w*/y;
const quotedIdent = /`[\w.\-/ ]+`/y;
const punctuation = /&&|\|\||==|!=|<=|>=|\?\.|\.\?|\[\?|[-+*/%!<>?:.,()[\]{}]/y;
const stringStart = /(?:[rR][bB]?|[bB][rR]?)?("""|'''|"|')/y;

export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (shape: RegExp): RegExpExecArray | null => {
    shape.lastIndex = at;
    return shape.exec(source);
  };
  for (;;) {
    at += match(space)?.[0].length ?? 0;
    if (at >= source.length) return [...tokens, { is: 'end', text: '<EOF>', at }];
    const token = readToken(source, at, match);
    tokens.push(token.token);
    at += token.length;
  }
}

function readToken(source: string, at: number, match: (shape: RegExp) => RegExpExecArray | null): { token: Token; length: number } {
  const quote = match(stringStart);
  if (quote) return readString(source, at, quote);
  const plain = (is: Token['is'], shape: RegExp) => {
    const text = match(shape)?.[0];
    return text === undefined ? undefined : { token: { is, text, at } as Token, length: text.length };
  };
  const digits = match(number);
  if (digits) return { token: { is: 'literal', text: digits[0], at, value: readNumber(digits[0], at, source) }, length: digits[0].length };
  const found = plain('ident', ident) ?? plain('quoted', quotedIdent) ?? readPunctuation(source, at, match);
  if (!found) throw new CompileError(`Syntax error: token recognition error at: '${source[at]}'`, at, source);
  return found;
}

// `a ?.b` does not exist, but `a ? .b : c` does: a question mark before a dot stands alone.
function readPunctuation(_: string, at: number, match: (shape: RegExp) => RegExpExecArray | null) {
  const text = match(punctuation)?.[0];
  if (text === undefined) return undefined;
  const one = text === '?.' ? '?' : text;
  return { token: { is: 'punctuation', text: one, at } as Token, length: one.length };
}

const maxUint = 2n ** 64n - 1n;

function readNumber(text: string, at: number, source: string): Literal {
  const isUint = /u$/i.test(text);
  const digits = isUint ? text.slice(0, -1) : text;
  if (/^0x/i.test(digits) || /^\d+$/.test(digits)) {
    const value = BigInt(digits);
    if (isUint) {
      if (value > maxUint) throw new CompileError('Syntax error: invalid uint literal', at, source);
      return { uint: value };
    }
    // The least integer is written as the negation of one more than the largest: the parser looks at that.
    if (value > 2n ** 63n) throw new CompileError('Syntax error: invalid int literal', at, source);
    return value;
  }
  if (isUint) throw new CompileError('Syntax error: invalid uint literal', at, source);
  return Number(digits);
}

function readString(source: string, at: number, [prefix, quote]: RegExpExecArray): { token: Token; length: number } {
  const raw = /r/i.test(prefix.slice(0, -quote!.length));
  const bytes = /b/i.test(prefix.slice(0, -quote!.length));
  const start = at + prefix.length;
  const end = endOfString(source, start, { quote: quote!, raw });
  if (end < 0) throw new CompileError(`Syntax error: token recognition error at: '${source.slice(at, at + 20)}'`, at, source);
  const body = source.slice(start, end);
  const value = raw ? (bytes ? Buffer.from(body) : body) : unescape(body, bytes, { at, source });
  return { token: { is: 'literal', text: source.slice(at, end + quote!.length), at, value }, length: end + quote!.length - at };
}

function endOfString(source: string, start: number, { quote, raw }: { quote: string; raw: boolean }): number {
  for (let i = start; i < source.length; i += 1) {
    if (source.startsWith(quote, i)) return i;
    if (quote.length === 1 && source[i] === '\n') return -1;
    if (source[i] === '\\' && !raw) i += 1;
  }
  return -1;
}

const plainEscapes: Readonly<Record<string, string>> = { a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', "'": "'", '"': '"', '`': '`', '?': '?' };
const escape = /\\(?:([abfnrtv\\'"`?])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2}))|\\/g;

/** In bytes an escape is one byte, in text one code point. */
function unescape(body: string, bytes: boolean, place: { at: number; source: string }): string | Uint8Array {
  const parts: (string | Uint8Array)[] = [];
  let last = 0;
  for (const found of body.matchAll(escape)) {
    const code = codeOf(found, bytes);
    if (code === undefined) throw new CompileError('Syntax error: unable to unescape string', place.at, place.source);
    parts.push(body.slice(last, found.index), bytes ? Uint8Array.of(code) : String.fromCodePoint(code));
    last = found.index + found[0].length;
  }
  parts.push(body.slice(last));
  return bytes ? Uint8Array.from(Buffer.concat(parts.map((part) => Buffer.from(part as string)))) : parts.join('');
}

/** undefined for what is no escape, or stands for no character. */
function codeOf([, simple, hex, short, long, octal]: RegExpMatchArray, bytes: boolean): number | undefined {
  if (simple !== undefined) return plainEscapes[simple]!.codePointAt(0);
  const rune = short ?? long;
  if (bytes && rune !== undefined) return undefined;
  const code = octal === undefined ? Number.parseInt(hex ?? rune ?? '', 16) : Number.parseInt(octal, 8);
  return isCharacter(code) ? code : undefined;
}

const isCharacter = (code: number): boolean => code < 0xd800 || (code >= 0xe000 && code <= 0x10ffff);
