// The tree of a CEL expression, and what is wrong with one (https://github.com/google/cel-spec, langdef.md).
// `at` is where the compiler points when it complains: the operator, the dot, the opening bracket.

export type Literal = bigint | number | string | boolean | null | Uint8Array | { uint: bigint };

export type Expr =
  | { is: 'literal'; at: number; value: Literal }
  | { is: 'ident'; at: number; name: string }
  | { is: 'select'; at: number; of: Expr; field: string; optional: boolean }
  | { is: 'index'; at: number; of: Expr; key: Expr; optional: boolean }
  | { is: 'call'; at: number; name: string; target?: Expr; args: Expr[] }
  | { is: 'list'; at: number; items: { value: Expr; optional: boolean }[] }
  | { is: 'map'; at: number; entries: { key: Expr; value: Expr; optional: boolean }[] }
  | { is: 'struct'; at: number; name: string; fields: { name: string; at: number; value: Expr; optional: boolean }[] };

/** An expression that cannot be compiled; the message is the compiler's whole answer. */
export class CompileError extends Error {
  readonly at: number;
  constructor(what: string, at: number, source: string) {
    super(`ERROR: ${describe(what, at, source)}`);
    this.at = at;
  }
}

/** `<input>:1:5: what`, the line, and a mark under the place. */
function describe(what: string, at: number, source: string): string {
  const before = source.slice(0, at);
  const start = before.lastIndexOf('\n') + 1;
  const line = before.split('\n').length;
  const end = source.indexOf('\n', start);
  const text = source.slice(start, end < 0 ? undefined : end);
  const column = at - start;
  return `<input>:${line}:${column + 1}: ${what}\n | ${text}\n | ${'.'.repeat(column)}^`;
}
