// Defaults that a schema gives must themselves be right: nothing to prune, nothing to complain about.
import { isObject } from '../../../base/data/json-value.ts';
import { type FieldError, invalid } from '../../meaning/field-error.ts';
import { fillDefaults } from '../values/fill-defaults.ts';
import { type JsonSchema, valueSchema } from '../json-schema.ts';
import { prune } from '../values/prune.ts';
import { validateLists } from '../values/validate-lists.ts';
import { validateValue } from '../values/validate-value.ts';

/** For a schema whose structure is right. */
export function validateDefault(schema: JsonSchema, field: string): FieldError[] {
  const { properties = {}, items } = schema;
  const values = valueSchema(schema);
  return [
    ...(schema.default === undefined ? [] : judge(schema, `${field}.default`)),
    ...Object.entries(properties).flatMap(([name, inner]) => validateDefault(inner, `${field}.properties[${name}]`)),
    ...(values ? validateDefault(values, `${field}.additionalProperties`) : []),
    ...(items ? validateDefault(items, `${field}.items`) : []),
  ];
}

function judge(schema: JsonSchema, field: string): FieldError[] {
  const given = schema.default;
  if (isObject(given) && prune(given, schema, false).unknown.length > 0) return [invalid(field, given, 'must not have unknown fields')];
  const complete = fillDefaults(given, schema);
  return [...validateValue(complete, schema, { path: field }), ...validateLists(complete, schema, field)];
}
