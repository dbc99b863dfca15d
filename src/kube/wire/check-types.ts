// Finds the first value that does not fit its field, and says so as Go's JSON decoder would.
import { isObject } from '../../base/data/json-value.ts';
import type { Field, Message } from '../schema/schema.ts';
import type { Scalar } from '../schema/schema.ts';

interface Place {
  /** The innermost struct, as Go names it, and the fields down to here, without indexes and map keys. */
  struct: string;
  path: string;
}

/** undefined when every value fits. Null fits everywhere. */
export function findTypeError(object: unknown, message: Message, path = ''): string | undefined {
  if (!isObject(object)) return undefined;
  for (const [key, value] of Object.entries(object)) {
    const field = message.fields.get(key);
    if (!field || value === null || value === undefined) continue;
    const place = { struct: message.goName.slice(message.goName.indexOf('.') + 1), path: path ? `${path}.${key}` : key };
    const error = checkField(value, field, place);
    if (error) return error;
  }
  return undefined;
}

function checkField(value: unknown, field: Field, place: Place): string | undefined {
  if (field.holds === 'one') return checkOne(value, field, place);
  const fits = field.holds === 'list' ? Array.isArray(value) : isObject(value);
  if (!fits) return mismatch(value, place, (field.holds === 'list' ? '[]' : 'map[string]') + goType(field));
  for (const item of Object.values(value as object)) {
    const error = item === null ? undefined : checkOne(item, field, place);
    if (error) return error;
  }
  return undefined;
}

function checkOne(value: unknown, field: Field, place: Place): string | undefined {
  if (field.message) return isObject(value) ? findTypeError(value, field.message, place.path) : mismatch(value, place, goType(field));
  const check = field.scalar && scalarChecks[field.scalar];
  return check?.(value, place);
}

const goType = (field: Field): string => {
  if (field.message) return field.message.goName;
  const names: Partial<Record<Scalar, string>> = {
    bytes: '[]uint8',
    double: 'float64',
    quantity: 'resource.Quantity',
    intstr: 'intstr.IntOrString',
    time: 'v1.Time',
    microtime: 'v1.MicroTime',
    raw: 'runtime.RawExtension',
    strings: 'v1.ExtraValue',
  };
  return (field.scalar && names[field.scalar]) ?? field.scalar ?? '';
};

function mismatch(value: unknown, { struct, path }: Place, wanted: string): string {
  return `json: cannot unmarshal ${jsonWord(value)} into Go struct field ${struct}.${path} of type ${wanted}`;
}

const jsonWord = (value: unknown): string => (Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value);

type Check = (value: unknown, place: Place) => string | undefined;

const isText = (value: unknown): value is string => typeof value === 'string';

// Types that read themselves do not know in which field they stand.
const bare = (value: unknown, wanted: string) => `json: cannot unmarshal ${jsonWord(value)} into Go value of type ${wanted}`;

function integer(wanted: 'int32' | 'int64'): Check {
  const limit = wanted === 'int32' ? 2 ** 31 : 2 ** 63;
  return (value, place) => {
    if (typeof value !== 'number') return mismatch(value, place, wanted);
    if (Number.isInteger(value) && value >= -limit && value < limit) return undefined;
    return mismatch(value, place, wanted).replace(' number ', ` number ${value} `);
  };
}

const timeShape = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;
function time(layout: string): Check {
  return (value) => {
    if (!isText(value)) return bare(value, 'string');
    if (timeShape.test(value) && !Number.isNaN(Date.parse(value))) return undefined;
    return `parsing time "${JSON.stringify(value).slice(1, -1)}" as "${layout}": cannot parse "${JSON.stringify(value).slice(1, -1)}" as "2006"`;
  };
}

const quantityShape = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+|[numkMGTPE]|[KMGTPE]i)?$/;
const quantityError = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

function base64(value: unknown, place: Place): string | undefined {
  if (!isText(value)) return mismatch(value, place, '[]uint8');
  const text = value.replace(/[\r\n]/g, '');
  const end = text.search(/[^A-Za-z0-9+/]/);
  const good = end < 0 ? text.length : end;
  if (text.length % 4 === 0 && /^={0,2}$/.test(text.slice(good))) return undefined;
  return `illegal base64 data at input byte ${text.slice(good).startsWith('=') ? good : Math.min(good, text.length - (text.length % 4))}`;
}

const scalarChecks: Partial<Record<Scalar, Check>> = {
  string: (value, place) => (isText(value) ? undefined : mismatch(value, place, 'string')),
  bool: (value, place) => (typeof value === 'boolean' ? undefined : mismatch(value, place, 'bool')),
  int32: integer('int32'),
  int64: integer('int64'),
  double: (value, place) => (typeof value === 'number' ? undefined : mismatch(value, place, 'float64')),
  bytes: base64,
  time: time('2006-01-02T15:04:05Z07:00'),
  microtime: time('2006-01-02T15:04:05.000000Z07:00'),
  quantity: (value) => (quantityShape.test(String(value)) && typeof value !== 'boolean' ? undefined : quantityError),
  intstr: (value) => (isText(value) || Number.isInteger(value) ? undefined : bare(value, 'int32')),
  strings: (value, place) => (Array.isArray(value) ? undefined : mismatch(value, place, 'v1.ExtraValue')),
  fields: (value, place) => (isObject(value) ? undefined : mismatch(value, place, 'v1.FieldsV1')),
};
