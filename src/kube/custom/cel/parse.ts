// CEL text → tree. Recursive descent over the grammar of the language definition; depth and length are bounded.
import { CompileError, type Expr } from './syntax.ts';
import { type Token, tokenize } from './tokens.ts';

// As cel-go bounds them: what a person writes stays far below.
const maxDepth = 250;
const maxLength = 100_000;

const reserved = new Set(['as', 'break', 'const', 'continue', 'else', 'for', 'function', 'if', 'import', 'let', 'loop', 'package', 'namespace', 'return', 'var', 'void', 'while']);
const words: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([['true', true], ['false', false], ['null', null]]);

/** Throws CompileError. */
export function parseExpression(source: string): Expr {
  if (source.length > maxLength) throw new CompileError(`expression code point size exceeds limit: size: ${source.length}, limit ${maxLength}`, 0, source);
  const parser = new Parser(source);
  const expr = parser.expression();
  parser.end();
  return expr;
}

// Binary operators by how tightly they bind, and the name each is called by.
const levels: readonly Readonly<Record<string, string>>[] = [
  { '||': '_||_' },
  { '&&': '_&&_' },
  { '<': '_<_', '<=': '_<=_', '>': '_>_', '>=': '_>=_', '==': '_==_', '!=': '_!=_', in: '@in' },
  { '+': '_+_', '-': '_-_' },
  { '*': '_*_', '/': '_/_', '%': '_%_' },
];

// A class for the place in the text that all its methods move on.
class Parser {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = tokenize(source);
  }

  get #token(): Token {
    return this.#tokens[this.#next]!;
  }

  #is(text: string): boolean {
    const { is, text: found } = this.#token;
    return found === text && (is === 'punctuation' || (is === 'ident' && text === 'in'));
  }

  #take(text: string): boolean {
    if (!this.#is(text)) return false;
    this.#next += 1;
    return true;
  }

  #fail(expecting: string): never {
    const { is, text, at } = this.#token;
    const what = is === 'end' ? `mismatched input '<EOF>' expecting ${expecting}` : `extraneous input '${text}' expecting ${expecting}`;
    throw new CompileError(`Syntax error: ${what}`, at, this.#source);
  }

  #expect(text: string): number {
    const { at } = this.#token;
    if (!this.#take(text)) this.#fail(`'${text}'`);
    return at;
  }

  end(): void {
    if (this.#token.is !== 'end') this.#fail('<EOF>');
  }

  expression(): Expr {
    this.#depth += 1;
    if (this.#depth > maxDepth) throw new CompileError(`expression recursion limit exceeded: ${maxDepth}`, this.#token.at, this.#source);
    const condition = this.#binary(0);
    const { at } = this.#token;
    let expr = condition;
    if (this.#take('?')) {
      const yes = this.#binary(0);
      this.#expect(':');
      expr = { is: 'call', at, name: '_?_:_', args: [condition, yes, this.expression()] };
    }
    this.#depth -= 1;
    return expr;
  }

  #binary(level: number): Expr {
    const operators = levels[level];
    if (!operators) return this.#unary();
    let left = this.#binary(level + 1);
    // A chain of operators leans to the left, and may not lean deeper than the tree may nest.
    for (let length = 0; ; length += 1) {
      const { text, at, is } = this.#token;
      const name = is === 'punctuation' || text === 'in' ? operators[text] : undefined;
      if (!name) return left;
      if (length >= maxDepth * 4) throw new CompileError(`expression recursion limit exceeded: ${maxDepth}`, at, this.#source);
      this.#next += 1;
      left = { is: 'call', at, name, args: [left, this.#binary(level + 1)] };
    }
  }

  #unary(): Expr {
    const signs: Token[] = [];
    while (this.#is('!') || this.#is('-')) {
      if (signs.length > 0 && signs[0]!.text !== this.#token.text) this.#fail('an operand');
      signs.push(this.#token);
      this.#next += 1;
    }
    if (signs.length > maxDepth) throw new CompileError(`expression recursion limit exceeded: ${maxDepth}`, signs[0]!.at, this.#source);
    const negative = signs.at(-1)?.text === '-' ? this.#negativeNumber(signs.at(-1)!) : undefined;
    if (negative) signs.pop();
    const operand = negative ? this.#member(negative) : this.#member(this.#primary());
    return signs.reduceRight<Expr>((inner, { text, at }) => ({ is: 'call', at, name: text === '!' ? '!_' : '-_', args: [inner] }), operand);
  }

  #negativeNumber({ at }: Token): Expr | undefined {
    const { is, value } = this.#token;
    if (is !== 'literal' || (typeof value !== 'bigint' && typeof value !== 'number')) return undefined;
    this.#next += 1;
    return { is: 'literal', at, value: typeof value === 'bigint' ? -value : -value };
  }

  #member(start: Expr): Expr {
    let expr = start;
    for (let length = 0; ; length += 1) {
      const { at, text } = this.#token;
      if (length > maxDepth * 4) throw new CompileError(`expression recursion limit exceeded: ${maxDepth}`, at, this.#source);
      if (this.#take('.') || this.#take('.?')) expr = this.#selectOrCall(expr, at, text === '.?');
      else if (this.#take('[') || this.#take('[?')) {
        const key = this.expression();
        this.#expect(']');
        expr = { is: 'index', at, of: expr, key, optional: text === '[?' };
      } else if (text === '{' && dottedName(expr)) expr = this.#struct(dottedName(expr)!, at);
      else return expr;
    }
  }

  #selectOrCall(of: Expr, at: number, optional: boolean): Expr {
    const { is, text } = this.#token;
    if (is === 'quoted') {
      this.#next += 1;
      return { is: 'select', at, of, field: text.slice(1, -1), optional };
    }
    if (is !== 'ident' || words.has(text) || text === 'in') this.#fail('IDENTIFIER');
    this.#next += 1;
    const { at: open } = this.#token;
    if (!optional && this.#take('(')) return { is: 'call', at: open, name: text, target: of, args: this.#arguments(')') };
    return { is: 'select', at, of, field: text, optional };
  }

  #arguments(close: string): Expr[] {
    const args: Expr[] = [];
    while (!this.#is(close)) {
      args.push(this.expression());
      if (!this.#take(',')) break;
    }
    this.#expect(close);
    return args;
  }

  #primary(): Expr {
    const { is, text, at, value } = this.#token;
    this.#next += 1;
    if (is === 'literal') {
      if (value === 2n ** 63n) throw new CompileError('Syntax error: invalid int literal', at, this.#source);
      return { is: 'literal', at, value: value! };
    }
    if (is === 'ident' && words.has(text)) return { is: 'literal', at, value: words.get(text)! };
    if (is === 'ident' && text !== 'in') return this.#identOrCall(text, at);
    if (is === 'punctuation') return this.#bracketed(text, at);
    this.#next -= 1;
    return this.#fail("{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}");
  }

  #identOrCall(name: string, at: number): Expr {
    if (reserved.has(name)) throw new CompileError(`reserved identifier: ${name}`, at, this.#source);
    const { at: open } = this.#token;
    return this.#take('(') ? { is: 'call', at: open, name, args: this.#arguments(')') } : { is: 'ident', at, name };
  }

  #bracketed(text: string, at: number): Expr {
    if (text === '(') {
      const inner = this.expression();
      this.#expect(')');
      return inner;
    }
    if (text === '[' || text === '[?') return { is: 'list', at, items: this.#items(text === '[?') };
    if (text === '{') return { is: 'map', at, entries: this.#entries() };
    // A leading dot names something at the root; there is only the root here.
    if (text === '.' && this.#token.is === 'ident') {
      const name = this.#token.text;
      this.#next += 1;
      return this.#identOrCall(name, at);
    }
    this.#next -= 1;
    return this.#fail("{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}");
  }

  #items(isOptional: boolean): { value: Expr; optional: boolean }[] {
    const items: { value: Expr; optional: boolean }[] = [];
    while (!this.#is(']')) {
      const optional = (isOptional && items.length === 0) || this.#take('?');
      items.push({ value: this.expression(), optional });
      if (!this.#take(',')) break;
    }
    this.#expect(']');
    return items;
  }

  #struct(name: string, at: number): Expr {
    this.#expect('{');
    const fields: Extract<Expr, { is: 'struct' }>['fields'] = [];
    while (!this.#is('}')) {
      const optional = this.#take('?');
      const { is, text, at: where } = this.#token;
      if (is !== 'ident' && is !== 'quoted') this.#fail('IDENTIFIER');
      this.#next += 1;
      this.#expect(':');
      fields.push({ name: is === 'quoted' ? text.slice(1, -1) : text, at: where, value: this.expression(), optional });
      if (!this.#take(',')) break;
    }
    this.#expect('}');
    return { is: 'struct', at, name, fields };
  }

  #entries(): { key: Expr; value: Expr; optional: boolean }[] {
    const entries: { key: Expr; value: Expr; optional: boolean }[] = [];
    while (!this.#is('}')) {
      const optional = this.#take('?');
      const key = this.expression();
      this.#expect(':');
      entries.push({ key, value: this.expression(), optional });
      if (!this.#take(',')) break;
    }
    this.#expect('}');
    return entries;
  }
}

/** `Object.spec`, before a brace: the name of a type. */
function dottedName(expr: Expr): string | undefined {
  if (expr.is === 'ident') return expr.name;
  const before = expr.is === 'select' && !expr.optional ? dottedName(expr.of) : undefined;
  return before && expr.is === 'select' ? `${before}.${expr.field}` : undefined;
}
