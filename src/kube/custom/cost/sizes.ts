// How large a value of a schema can be at most, for the estimate of what a rule may cost: upstream's numbers, so that a
// definition is accepted here if it is there. What a schema does not bound is bounded by the size of a request.
import { escapeName } from '../cel/schema-type.ts';
import { isIntOrString, type JsonSchema, valueSchema } from '../json-schema.ts';

export interface Sized {
  /** Items of a list, entries of a map, bytes of a text; 0 for scalars and objects, whose size never matters. */
  readonly max: number;
  /** Bytes of the shortest JSON. */
  readonly minBytes: number;
  /** Of a list, or the values of a map. */
  readonly item?: Sized;
  readonly isMap?: boolean;
  /** By their names in rules. */
  readonly fields?: ReadonlyMap<string, Sized>;
}

const maxRequestBytes = 3 * 1024 * 1024;
/** Without quotes, or without brackets. */
const maxInside = maxRequestBytes - 2;

const scalar = (minBytes: number): Sized => ({ max: 0, minBytes });
const text = (max: number, minBytes = 2): Sized => ({ max, minBytes });

/** The keys of a map: upstream counts them as nothing. */
export const keySize: Sized = text(0);

const scalars: Readonly<Record<string, Sized>> = { boolean: scalar(4), integer: scalar(1), number: scalar(1) };

const known = new WeakMap<JsonSchema, Sized>();

/** undefined: values that rules cannot see. */
export function sizesOf(schema: JsonSchema): Sized | undefined {
  let sized = known.get(schema);
  if (!sized) {
    sized = measure(schema);
    if (sized) known.set(schema, sized);
  }
  return sized;
}

function measure(schema: JsonSchema): Sized | undefined {
  if (isIntOrString(schema)) return { max: maxInside, minBytes: 1 };
  const { type = '', items, maxItems } = schema;
  if (type === 'array') {
    const item = items && sizesOf(items);
    return item && { max: atLeastNothing(maxItems) ?? Math.floor(maxInside / (item.minBytes + 1)), minBytes: 2, item };
  }
  if (type === 'object') return measureObject(schema);
  return type === 'string' ? measureText(schema) : scalars[type];
}

const atLeastNothing = (limit: number | undefined): number | undefined => (limit === undefined ? undefined : Math.max(limit, 0));

function measureObject(schema: JsonSchema): Sized | undefined {
  const values = valueSchema(schema);
  if (values) {
    const item = sizesOf(values);
    // An entry has a key's quotes, a colon and a comma besides.
    return item && { max: atLeastNothing(schema.maxProperties) ?? Math.floor(maxInside / (item.minBytes + 6)), minBytes: 2, item, isMap: true };
  }
  const fields = new Map<string, Sized>();
  let minBytes = 2;
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    const [escaped, sized] = [escapeName(name), sizesOf(inner)];
    if (!sized) continue;
    if (escaped) fields.set(escaped, sized);
    if (schema.required?.includes(name) && inner.default === undefined) minBytes += name.length + sized.minBytes + 4;
  }
  return { max: 0, minBytes, fields };
}

/** A letter may have four bytes; times have forms of their own. */
function measureText({ format, maxLength, enum: allowed }: JsonSchema): Sized {
  if (format === 'byte') return text(atLeastNothing(maxLength) ?? maxInside);
  if (format === 'duration') return text(32, 3);
  if (format === 'date') return text(12, 12);
  if (format === 'date-time') return text(27, 22);
  if (maxLength !== undefined) return text(Math.max(maxLength, 0) * 4);
  return text(allowed?.length ? Math.max(...allowed.map((one) => String(one).length)) : maxInside);
}

/** How many values with so short a form one request can hold. */
export const mostInOneRequest = ({ minBytes }: Sized): number => Math.floor(maxRequestBytes / (minBytes + 1));
