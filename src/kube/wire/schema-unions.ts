// Places in a JSON schema that hold a schema or something simpler: plain JSON, but a message of its own on the wire
// (apiextensions JSONSchemaPropsOrArray, …OrBool, …OrStringArray).
import { isObject } from '../../base/data/json-value.ts';
import type { Scalar } from '../schema/schema.ts';

type Json = Record<string, unknown>;

interface SchemaUnion {
  message: string;
  toJson(decoded: Json): unknown;
  fromJson(value: unknown): Json;
}

const named = (name: string): string => `apiextensions.k8s.io/v1.${name}`;
const isFilled = (value: unknown): value is unknown[] => Array.isArray(value) && value.length > 0;

export const schemaUnions: Partial<Record<Scalar, SchemaUnion>> = {
  schemaOrList: {
    message: named('JSONSchemaPropsOrArray'),
    toJson: ({ schema, jSONSchemas }) => (isFilled(jSONSchemas) ? jSONSchemas : (schema ?? {})),
    fromJson: (value) => (Array.isArray(value) ? { jSONSchemas: value } : { schema: value }),
  },
  schemaOrBool: {
    message: named('JSONSchemaPropsOrBool'),
    toJson: ({ schema, allows }) => schema ?? allows === true,
    // A schema allows what fits it.
    fromJson: (value) => (isObject(value) ? { allows: true, schema: value } : { allows: value === true }),
  },
  schemaOrTexts: {
    message: named('JSONSchemaPropsOrStringArray'),
    toJson: ({ schema, property }) => (isFilled(property) ? property : (schema ?? {})),
    fromJson: (value) => (Array.isArray(value) ? { property: value } : { schema: value }),
  },
};
