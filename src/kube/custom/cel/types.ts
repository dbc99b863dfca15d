// The types of CEL, how they are written, and which fits where.

export type CelType =
  | { is: 'int' | 'uint' | 'double' | 'string' | 'bool' | 'bytes' | 'null' | 'dyn' | 'timestamp' | 'duration' | 'type' }
  | { is: 'list'; item: CelType }
  | { is: 'map'; key: CelType; value: CelType }
  | { is: 'optional'; of: CelType }
  /** Of a schema: its fields are known. `name` shows in complaints. */
  | { is: 'object'; name: string; fields: ReadonlyMap<string, CelType> }
  /** Of a library: `kubernetes.Quantity`, `net.IP`. */
  | { is: 'opaque'; name: string }
  /** Stands for any type, the same one wherever it stands in one signature. */
  | { is: 'param'; name: string };

type Plain = (typeof plainNames)[number];

const plainNames = ['int', 'uint', 'double', 'string', 'bool', 'bytes', 'null', 'dyn', 'timestamp', 'duration', 'type'] as const;

export const plain = (is: Plain): CelType => plainTypes.get(is)!;
const plainTypes = new Map<string, CelType>(plainNames.map((is) => [is, { is }]));

export const dyn: CelType = plain('dyn');
export const listOf = (item: CelType): CelType => ({ is: 'list', item });
export const mapOf = (key: CelType, value: CelType): CelType => ({ is: 'map', key, value });
export const optionalOf = (of: CelType): CelType => ({ is: 'optional', of });

/** As people write it: `map(string, list(int))`. */
export function printType(type: CelType): string {
  if (type.is === 'list') return `list(${printType(type.item)})`;
  if (type.is === 'map') return `map(${printType(type.key)}, ${printType(type.value)})`;
  if (type.is === 'optional') return `optional_type(${printType(type.of)})`;
  if (type.is === 'object' || type.is === 'opaque' || type.is === 'param') return type.name;
  return longNames[type.is] ?? type.is;
}

const longNames: Readonly<Record<string, string>> = { timestamp: 'google.protobuf.Timestamp', duration: 'google.protobuf.Duration', null: 'null' };

/** `list<A>`, `map<string, int>`, `optional<A>`, `kubernetes.URL`; one capital letter is a parameter. */
export function parseType(text: string): CelType {
  const [, name = '', inner = ''] = /^\s*([\w.]+)(?:<(.*)>)?\s*$/s.exec(text) ?? [];
  const parts = splitTypes(inner).map(parseType);
  const container = Object.hasOwn(containers, name) ? containers[name]!(parts) : undefined;
  return container ?? plainTypes.get(name) ?? (/^[A-Z]$/.test(name) ? { is: 'param', name } : { is: 'opaque', name });
}

const containers: Readonly<Record<string, (parts: readonly CelType[]) => CelType>> = {
  list: ([item = dyn]) => listOf(item),
  map: ([key = dyn, value = dyn]) => mapOf(key, value),
  optional: ([of = dyn]) => optionalOf(of),
};

/** Splits at commas outside of angle brackets. */
export function splitTypes(text: string): string[] {
  const parts: string[] = [''];
  let depth = 0;
  for (const letter of text) {
    if (letter === '<') depth += 1;
    if (letter === '>') depth -= 1;
    if (letter === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += letter;
  }
  return text.trim() === '' ? [] : parts;
}

export type Bindings = Map<string, CelType>;

/** Whether a value of the one type may stand where the other is wanted; binds the parameters of the wanted one. */
export function fits(given: CelType, wanted: CelType, bound: Bindings = new Map()): boolean {
  if (wanted.is === 'param') return fitsParameter(given, wanted.name, bound);
  if (given.is === 'dyn' || wanted.is === 'dyn') return true;
  if (given.is === 'null') return takesNull(wanted);
  return given.is === wanted.is && fitsInside(given, wanted, bound);
}

/** Of two types of one form. */
function fitsInside(given: CelType, wanted: CelType, bound: Bindings): boolean {
  if (given.is === 'list') return fits(given.item, (wanted as typeof given).item, bound);
  if (given.is === 'optional') return fits(given.of, (wanted as typeof given).of, bound);
  if (given.is === 'map') return fits(given.key, (wanted as typeof given).key, bound) && fits(given.value, (wanted as typeof given).value, bound);
  if (given.is === 'object') return given.fields === (wanted as typeof given).fields;
  return given.is !== 'opaque' || given.name === (wanted as typeof given).name;
}

const nullable = new Set(['null', 'object', 'opaque', 'optional', 'timestamp', 'duration']);
const takesNull = ({ is }: CelType): boolean => nullable.has(is);

function fitsParameter(given: CelType, name: string, bound: Bindings): boolean {
  const known = bound.get(name);
  if (!known || known.is === 'dyn') {
    if (!known || !isUnknown(given)) bound.set(name, known?.is === 'dyn' ? dyn : given);
    return true;
  }
  if (fits(given, known, bound)) return true;
  if (!fits(known, given, bound)) return false;
  // The wider of the two: null beside an object is the object.
  bound.set(name, given);
  return true;
}

const isUnknown = ({ is }: CelType): boolean => is === 'dyn';

/** The type with its parameters filled in; those nobody bound are open. */
export function resolve(type: CelType, bound: Bindings): CelType {
  if (type.is === 'param') return bound.get(type.name) ?? dyn;
  if (type.is === 'list') return listOf(resolve(type.item, bound));
  if (type.is === 'map') return mapOf(resolve(type.key, bound), resolve(type.value, bound));
  return type.is === 'optional' ? optionalOf(resolve(type.of, bound)) : type;
}

/** One type for two values that stand side by side; dyn when they have nothing in common. */
export function join(a: CelType, b: CelType): CelType {
  if (a === b || fits(b, a)) return a.is === 'null' ? b : a;
  return fits(a, b) ? b : dyn;
}
