// Every rule of the published Gateway API definitions, named by the place where it is met first: `Kind path#number`.
// The same rule at other places is the same rule.
import type { CustomResourceDefinition } from '../../src/kube/objects/api-extensions.ts';
import { type JsonSchema, type ValidationRule, valueSchema } from '../../src/kube/custom/json-schema.ts';
import { channels, definitionsOf } from './gateway-api.ts';

export interface PlacedRule {
  name: string;
  rule: ValidationRule;
  /** Wherever it stands. */
  schemas: JsonSchema[];
}

export function allRules(): PlacedRule[] {
  const found = new Map<string, PlacedRule>();
  for (const channel of channels) {
    const prefix = channel === 'standard' ? '' : 'experimental ';
    for (const definition of definitionsOf(channel)) {
      for (const { schema } of definition.spec.versions) visit(found, schema!.openAPIV3Schema!, `${prefix}${kindOf(definition)} `);
    }
  }
  return [...found.values()];
}

const kindOf = ({ spec }: CustomResourceDefinition) => spec.names.kind;

function visit(found: Map<string, PlacedRule>, schema: JsonSchema, path: string): void {
  for (const [i, rule] of (schema['x-kubernetes-validations'] ?? []).entries()) {
    const known = found.get(rule.rule);
    if (known) known.schemas.push(schema);
    else found.set(rule.rule, { name: `${path}#${i}`.replace(' .', ' '), rule, schemas: [schema] });
  }
  for (const [name, inner] of Object.entries(schema.properties ?? {})) visit(found, inner, `${path}.${name}`);
  const values = valueSchema(schema);
  if (values) visit(found, values, `${path}{}`);
  if (schema.items) visit(found, schema.items, `${path}[]`);
}
