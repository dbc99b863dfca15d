// The text form of label selectors (`app=web,tier in (a,b),!old`), read as apimachinery reads it:
// the same language, and the same complaint at the same token, because clients show it to people.
import { badRequest } from './api-error.ts';
import { checkLabelValue, checkQualifiedName } from './rules/names.ts';
import type { Requirement, Selector } from './label-selector.ts';

type TokenType = 'name' | 'in' | 'notin' | '=' | '==' | '!=' | '!' | '(' | ')' | ',' | '>' | '<' | 'end';
interface Token {
  type: TokenType;
  text: string;
}

const marks = /^(==|!=|[=!(),<>])/;
const word = /^[^=!(),<>\s]+/;

function readTokens(text: string): Token[] {
  const tokens: Token[] = [];
  let rest = text;
  for (;;) {
    rest = rest.replace(/^\s+/, '');
    if (rest === '') return [...tokens, { type: 'end', text: '' }];
    const mark = marks.exec(rest)?.[1];
    const found = mark ?? word.exec(rest)?.[0] ?? rest;
    const keyword = found === 'in' || found === 'notin' ? found : 'name';
    tokens.push({ type: mark ? (mark as TokenType) : keyword, text: found });
    rest = rest.slice(found.length);
  }
}

const operators = 'in, notin, =, ==, !=, gt, lt';
const complain = (text: string): never => {
  throw badRequest(text);
};

interface TokenReader {
  peek(): Token;
  take(): Token;
  takeOperator(): Token;
}

/** A cursor over the tokens; `in` and `notin` are words wherever an operator cannot stand. */
function tokenReader(text: string): TokenReader {
  const tokens = readTokens(text);
  let at = 0;
  const current = (): Token => tokens[at] ?? { type: 'end', text: '' };
  const peek = (): Token => {
    const token = current();
    return token.type === 'in' || token.type === 'notin' ? { type: 'name', text: token.text } : token;
  };
  const advance = (token: Token): Token => {
    at++;
    return token;
  };
  return { peek, take: () => advance(peek()), takeOperator: () => advance(current()) };
}

function readList(reader: TokenReader): string[] {
  const values = new Set<string>();
  for (;;) {
    const { type, text } = reader.take();
    if (type === 'name') {
      values.add(text);
      const next = reader.peek();
      if (next.type === ')') return [...values];
      if (next.type !== ',') complain(`unable to parse requirement: found '${next.text}', expected: ',' or ')'`);
    } else if (type === ',') {
      // "(,a", "a,,b" and "a,)" each name the empty value.
      if (values.size === 0) values.add('');
      const next = reader.peek();
      if (next.type === ')' || next.type === ',') values.add('');
      if (next.type === ')') return [...values];
      if (next.type === ',') reader.take();
    } else complain(`unable to parse requirement: found '${text}', expected: ',', or identifier`);
  }
}

function readSet(reader: TokenReader): string[] {
  const open = reader.take();
  if (open.type !== '(') complain(`unable to parse requirement: found '${open.text}' expected: '('`);
  const first = reader.peek();
  if (first.type === ')') {
    reader.take();
    return [];
  }
  if (first.type !== 'name' && first.type !== ',') {
    complain(`unable to parse requirement: found '${first.text}', expected: ',', ')' or identifier`);
  }
  const values = readList(reader);
  reader.take();
  return values;
}

function readValue(reader: TokenReader): string[] {
  const next = reader.peek();
  if (next.type === 'end' || next.type === ',') return [''];
  const { type, text } = reader.take();
  return type === 'name' ? [text] : complain(`unable to parse requirement: found '${text}', expected: identifier`);
}

const operatorOf: Partial<Record<TokenType, Requirement['operator']>> = {
  in: 'In', notin: 'NotIn', '=': 'In', '==': 'In', '!=': 'NotIn', '>': 'Gt', '<': 'Lt',
};

function checkKey(key: string): void {
  const complaints = checkQualifiedName(key).join('; ');
  // "<nil>" is the field path upstream prints here; clients have grown used to it.
  if (complaints) complain(`unable to parse requirement: <nil>: Invalid value: ${JSON.stringify(key)}: ${complaints}`);
}

function checkValues(key: string, token: TokenType, values: readonly string[]): void {
  if ((token === 'in' || token === 'notin') && values.length === 0) {
    complain("unable to parse requirement: values: Invalid value: []string{}: for 'in', 'notin' operators, values set can't be empty");
  }
  if ((token === '<' || token === '>') && !/^[+-]?\d+$/.test(values[0] ?? '')) {
    complain(`unable to parse requirement: values[0]: Invalid value: ${JSON.stringify(values[0])}: for 'Gt', 'Lt' operators, the value must be an integer`);
  }
  for (const [i, value] of values.entries()) {
    const complaints = checkLabelValue(value).join('; ');
    if (complaints) complain(`unable to parse requirement: values[${i}][${key}]: Invalid value: ${JSON.stringify(value)}: ${complaints}`);
  }
}

/** One requirement; `equal` tells that it may go into matchLabels. */
function readRequirement(reader: TokenReader): { requirement: Requirement; equal: boolean } {
  const not = reader.peek().type === '!';
  if (not) reader.take();
  const key = reader.take();
  if (key.type !== 'name') complain(`unable to parse requirement: found '${key.text}', expected: identifier`);
  checkKey(key.text);
  const next = reader.peek().type;
  if (not || next === 'end' || next === ',') {
    return { requirement: { key: key.text, operator: not ? 'DoesNotExist' : 'Exists' }, equal: false };
  }
  const token = reader.takeOperator();
  const operator = operatorOf[token.type];
  if (!operator) return complain(`unable to parse requirement: found '${token.text}', expected: ${operators}`);
  const values = token.type === 'in' || token.type === 'notin' ? readSet(reader) : readValue(reader);
  checkValues(key.text, token.type, values);
  return { requirement: { key: key.text, operator, values }, equal: token.type === '=' || token.type === '==' };
}

function checkNext(reader: TokenReader): boolean {
  const { type, text } = reader.take();
  if (type === 'end') return false;
  if (type !== ',') complain(`found '${text}', expected: ',' or 'end of string'`);
  const after = reader.peek();
  if (after.type !== 'name' && after.type !== '!') complain(`found '${after.text}', expected: identifier after ','`);
  return true;
}

/** '' reads as {} (everything). Throws ApiError 400 with upstream's words. */
export function parseLabelSelector(text: string): Selector {
  const reader = tokenReader(text);
  const first = reader.peek();
  if (first.type === 'end') return {};
  if (first.type !== 'name' && first.type !== '!') complain(`found '${first.text}', expected: !, identifier, or 'end of string'`);
  const matchLabels: Record<string, string> = {};
  const matchExpressions: Requirement[] = [];
  do {
    const { requirement, equal } = readRequirement(reader);
    const { key, values = [] } = requirement;
    if (equal && !Object.hasOwn(matchLabels, key)) matchLabels[key] = values[0] ?? '';
    else matchExpressions.push(requirement);
  } while (checkNext(reader));
  return { matchLabels, matchExpressions };
}
