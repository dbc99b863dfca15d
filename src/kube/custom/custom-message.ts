// A schema seen as a type of the table in kube/schema: what server-side apply walks by. Read on use, for schemas are deep.
import type { Field, Message } from '../schema/schema.ts';
import { messageNamed } from '../schema/schema.ts';
import { isEmbedded, isIntOrString, type JsonSchema, listTypeOf, mapKeysOf, preservesUnknown, valueSchema } from './json-schema.ts';

/** The type of the objects of a custom kind. */
export const customMessage = (name: string, schema: JsonSchema): Message => new SchemaMessage(name, schema, true);

// A class for its lazy getter, like the table's own messages.
class SchemaMessage implements Message {
  readonly name: string;
  readonly goName: string;
  readonly typed: boolean;
  readonly atomic: boolean;
  readonly wireFields: readonly Field[] = [];
  readonly byNumber: ReadonlyMap<number, Field> = new Map();
  readonly #schema: JsonSchema;
  #fields: ReadonlyMap<string, Field> | undefined;

  constructor(name: string, schema: JsonSchema, typed: boolean) {
    this.name = name;
    this.goName = name;
    this.typed = typed;
    this.atomic = schema['x-kubernetes-map-type'] === 'atomic';
    this.#schema = schema;
  }

  get fields(): ReadonlyMap<string, Field> {
    this.#fields ??= new Map(this.#read());
    return this.#fields;
  }

  #read(): [string, Field][] {
    const { properties = {}, required = [] } = this.#schema;
    const own = Object.entries(properties).map(([name, schema]): [string, Field] => [name, fieldOf(name, schema, required.includes(name))]);
    return this.typed ? [...own.filter(([name]) => name !== 'metadata'), ['metadata', metadataField]] : own;
  }
}

const plain = { number: 0, pointer: true, always: false, inlined: false, mergeKey: undefined, retainKeys: false, replaced: false } as const;

const metadataField: Field = {
  ...plain,
  name: 'metadata',
  required: false,
  holds: 'one',
  apply: 'granular',
  keyDefault: undefined,
  get message() {
    return messageNamed('meta/v1.ObjectMeta');
  },
};

function fieldOf(name: string, schema: JsonSchema, required: boolean): Field {
  const keyDefault = typeof schema.default === 'object' ? undefined : (schema.default as string | undefined);
  const common = { ...plain, name, required, keyDefault };
  if (schema.type === 'array') return { ...common, holds: 'list', apply: listApply(schema), ...typeOf(schema.items) };
  const values = valueSchema(schema);
  const atomic = schema['x-kubernetes-map-type'] === 'atomic';
  if (values && !schema.properties) return { ...common, holds: 'map', apply: atomic ? 'atomic' : 'granular', ...typeOf(values) };
  return { ...common, holds: 'one', apply: atomic ? 'atomic' : 'granular', ...typeOf(schema) };
}

function listApply(schema: JsonSchema): Field['apply'] {
  const kind = listTypeOf(schema);
  return kind === 'map' ? mapKeysOf(schema) : kind === 'set' ? 'set' : 'atomic';
}

/** What a value is: a message with fields, a scalar, or (neither) an object nobody described. */
function typeOf(schema: JsonSchema | undefined): Pick<Field, 'scalar' | 'message'> {
  if (!schema || isIntOrString(schema)) return schema ? { scalar: 'intstr' } : {};
  if (schema.properties || isEmbedded(schema)) return { message: new SchemaMessage('', schema, isEmbedded(schema)) };
  if (schema.type === 'object' || preservesUnknown(schema)) return {};
  return { scalar: schema.type === 'array' ? 'json' : 'string' };
}
