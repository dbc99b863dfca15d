// Regular expressions that strangers write: RE2's language, in time linear in the text, whatever the expression.
// Compiled ones are remembered, a bounded number of them.
import { setFlagsFromString } from 'node:v8';
import { RE2JS } from '@bufbuild/re2';

const remembered = new Map<string, RE2JS>();
const maxRemembered = 1000;
// RE2 itself refuses more than a thousand repetitions; this bounds the expression that holds them.
const maxLength = 16_384;

/** Throws an Error that says what is wrong with the expression. */
export function compilePattern(text: string): RE2JS {
  const known = remembered.get(text);
  if (known) return known;
  if (text.length > maxLength) throw new Error(`error parsing regexp: expression longer than ${maxLength}`);
  const compiled = RE2JS.compile(text);
  if (remembered.size >= maxRemembered) remembered.clear();
  remembered.set(text, compiled);
  return compiled;
}

/** Whether the expression is found anywhere in the text. */
export const matchesPattern = (text: string, pattern: string): boolean => compilePattern(pattern).test(text);


/** The first match, '' when there is none. */
export const findFirst = (text: string, pattern: string): string => findAll(text, pattern, 1)[0] ?? '';

// Where a match begins and ends only V8 tells; its linear engine ('l') takes fewer expressions than RE2, and says so.
setFlagsFromString('--enable-experimental-regexp-engine');

const linear = ['g', 'l'].join('');

/** Matches from left to right without overlap, at most `limit` (all when negative). Throws for what cannot be found fast. */
export function findAll(text: string, pattern: string, limit: number): string[] {
  if (!matchesPattern(text, pattern)) return [];
  const found: string[] = [];
  for (const [match] of text.matchAll(new RegExp(pattern, linear))) {
    if (limit >= 0 && found.length >= limit) break;
    found.push(match);
  }
  return found;
}
