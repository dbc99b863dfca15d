// The rules of a schema as programs, at the places where they stand. Places without rules below them are left out.
import { compileExpression, type Program } from './cel.ts';
import { schemaType } from './cel/schema-type.ts';
import { type CelType, optionalOf } from './cel/types.ts';
import { type JsonSchema, type ValidationRule, valueSchema } from './json-schema.ts';

export interface RuleProgram {
  readonly rule: ValidationRule;
  readonly program: Program;
  readonly message?: Program;
  /** Looks at the old value: only updates are judged by it, unless it says it can do without. */
  readonly isTransition: boolean;
}

export interface RuledPlace {
  readonly schema: JsonSchema;
  readonly programs: readonly RuleProgram[];
  readonly properties: ReadonlyMap<string, RuledPlace>;
  readonly values?: RuledPlace;
  readonly items?: RuledPlace;
}

/** Throws CompileError. */
export function compileRule(rule: ValidationRule, self: CelType): RuleProgram {
  const old = rule.optionalOldSelf ? optionalOf(self) : self;
  const variables = new Map([['self', self], ['oldSelf', old]]);
  const program = compileExpression(rule.rule, variables);
  const message = rule.messageExpression ? compileExpression(rule.messageExpression, variables) : undefined;
  const isTransition = program.uses.has('oldSelf') && !rule.optionalOldSelf;
  return { rule, program, isTransition, ...(message && { message }) };
}

const places = new WeakMap<JsonSchema, { place: RuledPlace | undefined }>();

/** undefined: no rule anywhere. For a schema whose rules compile; remembered by its identity. */
export function ruledPlace(schema: JsonSchema, isRoot = false): RuledPlace | undefined {
  const known = places.get(schema);
  if (known) return known.place;
  const place = makePlace(schema, isRoot);
  places.set(schema, { place });
  return place;
}

function makePlace(schema: JsonSchema, isRoot: boolean): RuledPlace | undefined {
  const programs = programsOf(schema, isRoot);
  const properties = new Map<string, RuledPlace>();
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const place = ruledPlace(inner);
    if (place) properties.set(name, place);
  }
  const others = valueSchema(schema);
  const values = others && ruledPlace(others);
  const items = schema.items && ruledPlace(schema.items);
  const isEmpty = programs.length === 0 && properties.size === 0 && !values && !items;
  return isEmpty ? undefined : { schema, programs, properties, ...(values && { values }), ...(items && { items }) };
}

function programsOf(schema: JsonSchema, isRoot: boolean): RuleProgram[] {
  const rules = schema['x-kubernetes-validations'] ?? [];
  const self = rules.length > 0 ? schemaType(schema, isRoot) : undefined;
  return self ? rules.map((rule) => compileRule(rule, self)) : [];
}
