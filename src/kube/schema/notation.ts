// The notation our schema tables are written in, and its reader. One line is one message:
//
//   ServiceSpec ports=1:[]ServicePort@map(port,protocol)%merge(port) selector=2:{}string@atomic …
//
// name=number:type, then marks. Types: a scalar word below, or a message (`ObjectMeta` of the same section,
// `meta/v1.Condition` of another); [] list, {} map with string keys.
//   *  optional in Go, so a zero value means something   +  printed even when zero   !  required
//   ~  inlined: its fields stand in the parent           &  (on the message) carries apiVersion and kind
//   @set @map(k,…) @atomic   how server-side apply merges it (lists are atomic and maps granular by themselves)
//   %merge %merge(k) %retain %replace   how a strategic merge patch merges it;  ?v  default of a list-map key

export const scalars = [
  'string', 'int32', 'int64', 'bool', 'double', 'bytes',
  'time', 'microtime', 'quantity', 'intstr', 'fields', 'raw', 'json', 'strings', 'schemaOrList', 'schemaOrBool', 'schemaOrTexts',
] as const;

/** `fields` = FieldsV1, `raw` = RawExtension, `json` = any JSON value, `strings` = a list wrapped in a message on the wire, `schemaOr…` = a JSON schema or something simpler. */
export type Scalar = (typeof scalars)[number];

export interface FieldLine {
  name: string;
  /** Protobuf field number. */
  number: number;
  /** A scalar word or a message name; '' when the line leaves it open. */
  type: string;
  holds: 'one' | 'list' | 'map';
  pointer: boolean;
  always: boolean;
  required: boolean;
  inlined: boolean;
  apply?: 'set' | 'atomic' | string[];
  /** Strategic merge of a list: by this key, or '' as a set of scalars. */
  mergeKey?: string;
  retainKeys: boolean;
  replaced: boolean;
  keyDefault?: string;
}

export interface MessageLine {
  name: string;
  typed: boolean;
  atomic: boolean;
  fields: FieldLine[];
}

const fieldShape = /^([^=]+)=(\d+)(?::(\[\]|\{\})?([\w./-]+))?(.*)$/;
const markShape = /[*+!~]|@set|@atomic|@map\([^)]*\)|%merge(?:\([^)]*\))?|%retain|%replace|\?[\w]+/g;

/** Reads one line; throws on a line this notation does not know (a mistake in our own table). */
export function parseMessageLine(line: string): MessageLine {
  const [head = '', ...fields] = line.split(' ');
  const name = head.replace(/[&@].*$/, '');
  const marks = head.slice(name.length);
  return { name, typed: marks.includes('&'), atomic: marks.includes('@atomic'), fields: fields.map(parseField) };
}

function parseField(text: string): FieldLine {
  const parts = fieldShape.exec(text);
  if (!parts) throw new Error(`schema: cannot read field ${text}`);
  const [, name = '', number = '', container, type = '', marks = ''] = parts;
  const seen: readonly string[] = marks.match(markShape) ?? [];
  if (seen.join('') !== marks) throw new Error(`schema: cannot read marks of ${text}`);
  const merge = seen.find((mark) => mark.startsWith('%merge'));
  const keyDefault = seen.find((mark) => mark.startsWith('?'))?.slice(1);
  return {
    name,
    number: Number(number),
    type,
    holds: container === '[]' ? 'list' : container === '{}' ? 'map' : 'one',
    pointer: seen.includes('*'),
    always: seen.includes('+'),
    required: seen.includes('!'),
    inlined: seen.includes('~'),
    apply: applyOf(seen),
    mergeKey: merge?.slice(7, -1),
    retainKeys: seen.includes('%retain'),
    replaced: seen.includes('%replace'),
    keyDefault,
  };
}

function applyOf(marks: readonly string[]): FieldLine['apply'] {
  if (marks.includes('@set')) return 'set';
  if (marks.includes('@atomic')) return 'atomic';
  return marks.find((mark) => mark.startsWith('@map('))?.slice(5, -1).split(',');
}

/** The inverse of the reader. */
export function printMessageLine(message: MessageLine): string {
  const head = `${message.name}${message.typed ? '&' : ''}${message.atomic ? '@atomic' : ''}`;
  return [head, ...message.fields.map(printField)].join(' ');
}

function printField(field: FieldLine): string {
  const container = { one: '', list: '[]', map: '{}' }[field.holds];
  const type = field.type && `:${container}${field.type}`;
  const flags = [field.pointer && '*', field.always && '+', field.required && '!', field.inlined && '~'];
  const marks = [...flags, ...mergeMarks(field)].filter(Boolean);
  return `${field.name}=${field.number}${type}${marks.join('')}`;
}

const mergeMarks = (field: FieldLine) => [
  Array.isArray(field.apply) ? `@map(${field.apply.join(',')})` : field.apply && `@${field.apply}`,
  field.mergeKey !== undefined && (field.mergeKey ? `%merge(${field.mergeKey})` : '%merge'),
  field.retainKeys && '%retain',
  field.replaced && '%replace',
  field.keyDefault && `?${field.keyDefault}`,
];
