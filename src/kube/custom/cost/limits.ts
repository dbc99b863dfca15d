// Whether the rules of a definition could cost too much on the largest object that its schema allows, in upstream's words:
// each expression has a limit, and all of one schema together.
import type { CelType } from '../cel/types.ts';
import { optionalOf } from '../cel/types.ts';
import { type FieldError, forbidden } from '../../meaning/field-error.ts';
import type { JsonSchema, ValidationRule } from '../json-schema.ts';
import { plus, times } from './amounts.ts';
import { estimateCost } from './estimate.ts';
import { mostInOneRequest, type Sized, sizesOf } from './sizes.ts';

const expressionLimit = 10_000_000;
const schemaLimit = 100_000_000;
/** Less than a hundredth of all is not worth a word, and four culprits are enough. */
const worthNaming = schemaLimit / 100;
const mostNamed = 4;

/** All expressions of one schema. */
export interface CostTotal {
  total: number;
  readonly expensive: { readonly field: string; readonly cost: number }[];
}

export const noCost = (): CostTotal => ({ total: 0, expensive: [] });

/** How many values of a place one object holds at most; undefined where no schema above bounds them. */
export type Places = number | undefined;

/** What is below a list or a map is there as often as that has entries. */
export const placesBelow = (places: Places, limit: number | undefined): Places =>
  places === undefined || limit === undefined ? undefined : times(places, Math.max(limit, 0));

interface RulePlace {
  readonly schema: JsonSchema;
  readonly self: CelType;
  readonly places: Places;
  readonly total: CostTotal;
}

/** For a rule that compiles; `at` is its path. */
export function checkCost(rule: ValidationRule, at: string, { schema, self, places, total }: RulePlace): FieldError[] {
  const sized = sizesOf(schema);
  const variables = new Map([['self', self], ['oldSelf', rule.optionalOldSelf ? optionalOf(self) : self]]);
  const often = (cost: number) => times(cost, places ?? (sized ? mostInOneRequest(sized) : 1));
  const check = (source: string | undefined, key: 'rule' | 'messageExpression'): FieldError[] => {
    if (!source) return [];
    const cost = often(estimateCost(source, variables, sizesFor(sized)));
    const field = `${at}.${key}`;
    observe(total, field, cost);
    return cost > expressionLimit ? [forbidden(field, exceeds(`estimated ${key} cost`, cost / expressionLimit))] : [];
  };
  return [...check(rule.rule, 'rule'), ...check(rule.messageExpression, 'messageExpression')];
}

const sizesFor = (sized: Sized | undefined) => new Map([['self', sized], ['oldSelf', sized]]);

function observe(total: CostTotal, field: string, cost: number): void {
  total.total = plus(total.total, cost);
  if (cost >= worthNaming) total.expensive.push({ field, cost });
}

export function checkTotal({ total, expensive }: CostTotal, field: string): FieldError[] {
  if (total <= schemaLimit) return [];
  const named = expensive.toSorted((a, b) => b.cost - a.cost).slice(0, mostNamed);
  return [
    ...named.map((one) => forbidden(one.field, 'contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema')),
    forbidden(field, exceeds('x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema', total / schemaLimit)),
  ];
}

function exceeds(what: string, factor: number): string {
  const shown = factor > 100 ? 'more than 100x' : factor < 1.5 ? `${factor.toFixed(6)}x` : `${factor.toFixed(1)}x`;
  return `${what} exceeds budget by factor of ${shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`;
}
