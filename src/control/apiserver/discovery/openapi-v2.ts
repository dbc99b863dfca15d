// OpenAPI v2 (Swagger) made from the v3 documents, for old generators and for tests that read how custom kinds are
// published. kubectl before 1.29 asks for it as protobuf and is content with the smallest document there is.
import type { OpenApiDocument } from './openapi.ts';

/** `swagger: "2.0"`, a title and a version. */
export const smallestV2 = Buffer.from('0a03322e3012070a016b12027631', 'hex');

type Json = Readonly<Record<string, unknown>>;
type Parameter = Json & { schema?: Json };

/** One document for all versions. */
export function printOpenApiV2(documents: readonly OpenApiDocument[]): string {
  const parsed = documents.map(({ text }) => JSON.parse(text) as { paths: Record<string, Record<string, Json>>; components: { schemas: Record<string, Json> } });
  const paths = Object.fromEntries(parsed.flatMap((one) => Object.entries(one.paths).map(([path, operations]) => [path, mapValues(operations, operationV2)])));
  const definitions = Object.fromEntries(parsed.flatMap(({ components }) => Object.entries(components.schemas).map(([name, schema]) => [name, schemaV2(schema)])));
  const text = JSON.stringify({ swagger: '2.0', info: { title: 'Kubernetes', version: 'v1.32.0' }, paths, definitions });
  return text.replaceAll('"#/components/schemas/', '"#/definitions/');
}

const mapValues = <T, R>(record: Readonly<Record<string, T>>, change: (value: T) => R): Record<string, R> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));

/** What a parameter is stands beside its name, not in a schema. */
const operationV2 = (operation: Json): Json => ({
  ...operation,
  parameters: ((operation['parameters'] as Parameter[] | undefined) ?? []).map(({ schema, ...parameter }) => ({ ...parameter, ...schema })),
});

/** v2 has no alternatives and no null: a schema that needs them says less. */
function schemaV2(schema: Json): Json {
  const { oneOf, anyOf: _any, not: _not, nullable: _nullable, properties, items, additionalProperties, allOf, ...rest } = schema;
  return {
    ...rest,
    // Whole numbers or texts, quantities: written as text.
    ...(oneOf !== undefined && rest['type'] === undefined && { type: 'string' }),
    ...(properties !== undefined && { properties: mapValues(properties as Record<string, Json>, schemaV2) }),
    ...(items !== undefined && { items: schemaV2(items as Json) }),
    ...(isSchema(additionalProperties) && { additionalProperties: schemaV2(additionalProperties) }),
    ...(Array.isArray(allOf) && { allOf: allOf.map((one) => schemaV2(one as Json)) }),
  };
}

const isSchema = (value: unknown): value is Json => typeof value === 'object' && value !== null;
