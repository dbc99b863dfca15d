// Checks the types of an expression and turns it into functions that run it, in one walk. Overloads are chosen here where
// types are known, and at run time where they are dyn.
import type { Environment, Frame, Overload } from './environment.ts';
import { type Code, literal, optionalAccess, runOverload, typeLiteral } from './code.ts';
import { compileMacro } from './macros.ts';
import { compileOperator } from './operators.ts';
import { parseExpression } from './parse.ts';
import { CompileError, type Expr } from './syntax.ts';
import { type Bindings, type CelType, dyn, fits, join, listOf, mapOf, plain, printType, resolve } from './types.ts';
import { findAt, findField, found, mapKey, noSuchItem, present, presentOf, raise } from './access.ts';
import { type Key, none, Optional } from './values.ts';

export interface Program {
  readonly type: CelType;
  /** Variables by name. Throws EvalError and OutOfBudget. */
  run(values: Readonly<Record<string, unknown>>, budget: Frame['budget']): unknown;
  /** Names of the environment's variables that it mentions. */
  readonly uses: ReadonlySet<string>;
}

/** Throws CompileError. */
export function compile(source: string, environment: Environment, tree: Expr = parseExpression(source)): Program {
  const compiler = new Compiler(source, environment);
  const { type, run } = compiler.code(tree);
  const uses = compiler.uses;
  return {
    type,
    uses,
    run(values, budget) {
      const slots: unknown[] = Array.from(compiler.roots, (name) => values[name]);
      return run({ slots, budget });
    },
  };
}

interface Variable {
  slot: number;
  type: CelType;
}

// A class for what grows while the tree is walked: scopes and the variables that are mentioned.
export class Compiler {
  readonly source: string;
  readonly environment: Environment;
  /** Variables of the environment, in the order of their slots. */
  readonly roots: string[];
  readonly uses = new Set<string>();
  #slots: number;
  #scopes: ReadonlyMap<string, Variable>[] = [];

  constructor(source: string, environment: Environment) {
    this.source = source;
    this.environment = environment;
    this.roots = [...environment.variables.keys()];
    this.#slots = this.roots.length;
  }

  fail(what: string, at: number): never {
    throw new CompileError(what, at, this.source);
  }

  code(expr: Expr): Code {
    const code = this.#make(expr);
    this.environment.noteType?.(expr, code.type);
    return code;
  }

  #make(expr: Expr): Code {
    switch (expr.is) {
      case 'literal':
        return literal(expr.value);
      case 'ident':
        return this.#ident(expr);
      case 'select':
        return this.#select(expr);
      case 'index':
        return this.#index(expr);
      case 'list':
        return this.#list(expr);
      case 'map':
        return this.#map(expr);
      case 'struct':
        return this.#struct(expr);
      default:
        return this.#call(expr);
    }
  }

  /** Compiles inside of a scope with more variables; answers their slots too. */
  within<T>(variables: readonly (readonly [name: string, type: CelType])[], make: (slots: number[]) => T): T {
    const slots = variables.map(() => (this.#slots += 1) - 1);
    this.#scopes.push(new Map(variables.map(([name, type], i) => [name, { slot: slots[i]!, type }])));
    try {
      return make(slots);
    } finally {
      this.#scopes.pop();
    }
  }

  #variable(name: string): Variable | undefined {
    for (const scope of this.#scopes.toReversed()) if (scope.has(name)) return scope.get(name);
    const type = this.environment.variables.get(name);
    if (!type) return undefined;
    this.uses.add(name.split('.')[0]!);
    return { slot: this.roots.indexOf(name), type };
  }

  #ident({ name, at }: Extract<Expr, { is: 'ident' }>): Code {
    const known = this.#variable(name);
    if (known) {
      const { slot, type } = known;
      return { type, run: ({ slots }) => present(slots[slot], name) };
    }
    if (this.environment.typeNames.has(name)) return typeLiteral(name);
    if (this.environment.unchecked) return { type: dyn, run: () => raise(`undeclared reference to '${name}' (in container '')`) };
    return this.fail(`undeclared reference to '${name}' (in container '')`, at);
  }

  /** `a.b.c` may be one name. */
  #dotted(expr: Expr): string | undefined {
    if (expr.is === 'ident') return this.#isLocal(expr.name) ? undefined : expr.name;
    if (expr.is !== 'select' || expr.optional) return undefined;
    const before = this.#dotted(expr.of);
    return before && `${before}.${expr.field}`;
  }

  #isLocal = (name: string): boolean => this.#scopes.some((scope) => scope.has(name));

  #select(expr: Extract<Expr, { is: 'select' }>): Code {
    const name = this.#dotted(expr);
    if (name && this.environment.variables.has(name)) return this.#ident({ is: 'ident', name, at: expr.at });
    if (name && this.environment.typeNames.has(name)) return typeLiteral(name);
    const of = this.code(expr.of);
    const { field } = expr;
    const type = this.fieldType(of.type, field, expr.at);
    if (expr.optional || of.type.is === 'optional') return optionalAccess(of, { type, find: (value) => findField(value, field) });
    const { run } = of;
    return {
      type,
      run(frame) {
        const value = run(frame);
        frame.budget.spend(1);
        // What may be optional without being declared so is found out here.
        if (value instanceof Optional) return value.isPresent ? found(findField(value.value, field)) : none;
        const inner = findField(value, field);
        return inner === undefined ? raise(`no such key: ${field}`) : inner;
      },
    };
  }

  /** Complains about a field that the type does not have. */
  fieldType(type: CelType, field: string, at: number): CelType {
    if (type.is === 'optional') return this.fieldType(type.of, field, at);
    if (type.is === 'object') return type.fields.get(field) ?? this.fail(`undefined field '${field}'`, at);
    if (type.is === 'map') return fits(plain('string'), type.key) ? type.value : this.#notSelectable(type, at);
    return type.is === 'dyn' ? dyn : this.#notSelectable(type, at);
  }

  #notSelectable(type: CelType, at: number): CelType {
    if (this.environment.unchecked) return dyn;
    return this.fail(`type '${printType(type)}' does not support field selection`, at);
  }

  #index(expr: Extract<Expr, { is: 'index' }>): Code {
    const [of, key] = [this.code(expr.of), this.code(expr.key)];
    const inner = of.type.is === 'optional' ? of.type.of : of.type;
    const type = this.#indexType(inner, key.type, expr);
    if (expr.optional || of.type.is === 'optional') {
      return optionalAccess(of, { type, find: (value, frame) => findAt(value, key.run(frame)) });
    }
    return {
      type,
      run(frame) {
        const value = of.run(frame);
        const at = key.run(frame);
        frame.budget.spend(1);
        if (value instanceof Optional) return value.isPresent ? found(findAt(value.value, at)) : none;
        const item = findAt(value, at);
        return item === undefined ? raise(noSuchItem(value, at)) : item;
      },
    };
  }

  #indexType(of: CelType, key: CelType, expr: Extract<Expr, { is: 'index' }>): CelType {
    if (of.is === 'dyn') return dyn;
    const wanted = of.is === 'list' ? plain('int') : of.is === 'map' ? of.key : undefined;
    const isNumber = of.is === 'list' && (key.is === 'uint' || key.is === 'double') && this.environment.mixedLiterals === true;
    if (wanted && (fits(key, wanted) || isNumber)) return of.is === 'list' ? of.item : (of as { value: CelType }).value;
    return this.environment.unchecked ? dyn : this.fail(`found no matching overload for '_[_]' applied to '(${printType(of)}, ${printType(key)})'`, expr.at);
  }

  #list({ items, at }: Extract<Expr, { is: 'list' }>): Code {
    const codes = items.map(({ value, optional }) => ({ ...this.code(value), optional }));
    const types = codes.map(({ type, optional }) => (optional && type.is === 'optional' ? type.of : type));
    const type = listOf(types.length === 0 ? dyn : types.reduce((a, b) => this.#joined(a, b, at)));
    return {
      type,
      run(frame) {
        frame.budget.spend(1 + codes.length);
        return codes.flatMap(({ run, optional }) => {
          const value = run(frame);
          return optional ? presentOf(value) : [value];
        });
      },
    };
  }

  #joined(a: CelType, b: CelType, at: number): CelType {
    const type = join(a, b);
    if (type.is !== 'dyn' || a.is === 'dyn' || b.is === 'dyn' || this.environment.mixedLiterals) return type;
    return this.fail(`expected type '${printType(a)}' but found '${printType(b)}'`, at);
  }

  #map({ entries, at }: Extract<Expr, { is: 'map' }>): Code {
    const codes = entries.map(({ key, value, optional }) => ({ key: this.code(key), value: this.code(value), optional }));
    const keys = codes.map(({ key }) => key.type);
    const values = codes.map(({ value, optional }) => (optional && value.type.is === 'optional' ? value.type.of : value.type));
    const whole = (types: CelType[]) => (types.length === 0 ? dyn : types.reduce((a, b) => this.#joined(a, b, at)));
    return {
      type: mapOf(whole(keys), whole(values)),
      run(frame) {
        frame.budget.spend(1 + codes.length);
        const map = new Map<Key, unknown>();
        for (const { key, value, optional } of codes) {
          const name = mapKey(key.run(frame));
          const given = value.run(frame);
          if (map.has(name)) raise(`Failed with repeated key`);
          for (const one of optional ? presentOf(given) : [given]) map.set(name, one);
        }
        return map;
      },
    };
  }

  /** Made as a map: what its fields may hold is found out by whoever takes it. */
  #struct({ name, fields, at }: Extract<Expr, { is: 'struct' }>): Code {
    const { hasField } = this.environment;
    if (!hasField) return this.fail(`undeclared reference to '${name}' (in container '')`, at);
    for (const field of fields) if (!hasField(name, field.name)) this.fail(`undefined field '${field.name}'`, field.at);
    const codes = fields.map((field) => ({ ...this.code(field.value), name: field.name, optional: field.optional }));
    return {
      type: dyn,
      run(frame) {
        frame.budget.spend(1 + codes.length);
        return new Map<Key, unknown>(codes.flatMap(({ run, name: key, optional }) => (optional ? presentOf(run(frame)) : [run(frame)]).map((value) => [key, value] as const)));
      },
    };
  }

  #call(expr: Extract<Expr, { is: 'call' }>): Code {
    const macro = compileMacro(this, expr) ?? compileOperator(this, expr);
    if (macro) return macro;
    const dotted = expr.target && this.#dotted(expr.target);
    const qualified = dotted && this.environment.functions.get(`${dotted}.${expr.name}`);
    if (qualified && !this.#variable(dotted.split('.')[0]!)) return this.#apply({ name: `${dotted}.${expr.name}`, overloads: qualified, at: expr.at, isMember: false }, expr.args);
    const overloads = this.environment.functions.get(expr.name);
    const isMember = expr.target !== undefined;
    const candidates = overloads?.filter((one) => one.isMember === isMember) ?? [];
    if (!overloads) {
      if (this.environment.unchecked) return { type: dyn, run: () => raise('unbound function') };
      return this.fail(`undeclared reference to '${expr.name}' (in container '')`, expr.at);
    }
    return this.#apply({ name: expr.name, overloads: candidates, at: expr.at, isMember }, expr.target ? [expr.target, ...expr.args] : expr.args);
  }

  #apply(call: { name: string; overloads: readonly Overload[]; at: number; isMember: boolean }, exprs: readonly Expr[]): Code {
    return this.applied(call, exprs.map((expr) => this.code(expr)));
  }

  /** A call whose arguments are compiled already. */
  applied({ name, overloads, at, isMember }: { name: string; overloads: readonly Overload[]; at: number; isMember: boolean }, args: readonly Code[]): Code {
    const types = args.map(({ type }) => type);
    const matching = overloads.flatMap((overload) => {
      const bound: Bindings = new Map();
      const isMatch = overload.params.length === types.length && types.every((type, i) => fits(type, overload.params[i]!, bound));
      return isMatch ? [{ overload, result: resolve(overload.result, bound) }] : [];
    });
    if (matching.length === 0) {
      if (this.environment.unchecked) return { type: dyn, run: (frame) => (args.forEach(({ run }) => run(frame)), raise(`no such overload`)) };
      const shown = types.map(printType);
      const applied = isMember ? `${shown[0]}.(${shown.slice(1).join(', ')})` : `(${shown.join(', ')})`;
      return this.fail(`found no matching overload for '${name}' applied to '${applied}'`, at);
    }
    const type = matching.map(({ result }) => result).reduce(join);
    return { type, run: runOverload(matching.map(({ overload }) => overload), args) };
  }
}
