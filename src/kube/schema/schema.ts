// What fields each served type has, and how each is encoded and merged: the one place that knows.
// Lines of the table are read on first use of their message, so start-up pays only for splitting it.
import { messageTable } from './messages.ts';
import { parseMessageLine, scalars } from './notation.ts';
import type { FieldLine, MessageLine, Scalar } from './notation.ts';

export type { Scalar } from './notation.ts';

export interface Field extends Omit<FieldLine, 'type' | 'apply'> {
  /** Absent when the field holds messages. */
  readonly scalar?: Scalar;
  /** The message it holds; read on use, for types may contain themselves. */
  readonly message?: Message;
  /** Server-side apply: 'set', 'atomic', 'granular', or the keys of an associative list. */
  readonly apply: 'set' | 'atomic' | 'granular' | readonly string[];
}

export interface Message {
  /** `apps/v1.DeploymentSpec` */
  readonly name: string;
  /** As Go prints it: `v1.DeploymentSpec`. */
  readonly goName: string;
  /** Carries apiVersion and kind. */
  readonly typed: boolean;
  /** Server-side apply replaces it as a whole. */
  readonly atomic: boolean;
  /** By JSON name; fields of inlined messages stand here, as they do in JSON. */
  readonly fields: ReadonlyMap<string, Field>;
  /** In order of protobuf number, as on the wire: inlined messages are fields of their own. */
  readonly wireFields: readonly Field[];
  readonly byNumber: ReadonlyMap<number, Field>;
}

let lines: Map<string, string> | undefined;
const read = new Map<string, Message>();

function tableLines(): Map<string, string> {
  const found = new Map<string, string>();
  let section = '';
  for (const line of messageTable.split('\n')) {
    if (line.startsWith('[')) section = line.slice(1, -1);
    else if (line) found.set(`${section}.${/^[\w]+/.exec(line)?.[0]}`, line);
  }
  return found;
}

/** The message by its full name (`v1.Service`); undefined when we do not know it. */
export function messageNamed(name: string): Message | undefined {
  const known = read.get(name);
  if (known) return known;
  lines ??= tableLines();
  const line = lines.get(name);
  if (!line) return undefined;
  const message = new LazyMessage(name, parseMessageLine(line));
  read.set(name, message);
  return message;
}

// Registered in every API version, whatever group a client writes on them.
const everywhere = new Set(['DeleteOptions', 'WatchEvent', 'Status']);

/** The type of an object that says `apiVersion` and `kind`. An alpha or beta that became v1 has v1's fields. */
export function messageOf(apiVersion: string, kind: string): Message | undefined {
  if (everywhere.has(kind)) return messageNamed(`meta/v1.${kind}`);
  const found = messageNamed(`${apiVersion}.${kind}`) ?? messageNamed(`${apiVersion.replace(/v1(?:alpha|beta)\d$/, 'v1')}.${kind}`);
  if (found?.typed) return found;
  return kind.endsWith('List') ? listOf(apiVersion, kind) : undefined;
}

// All lists are alike, so the table leaves them out.
function listOf(apiVersion: string, kind: string): Message | undefined {
  const items = messageOf(apiVersion, kind.slice(0, -'List'.length));
  if (!items) return undefined;
  const line = parseMessageLine(`${kind}& metadata=1:meta/v1.ListMeta items=2:[]${items.name}+`);
  const message = new LazyMessage(`${apiVersion}.${kind}`, line);
  read.set(message.name, message);
  return message;
}

// A class for its lazy getters: a message's fields name other messages, which name it again (JSONSchemaProps).
class LazyMessage implements Message {
  readonly name: string;
  readonly goName: string;
  readonly typed: boolean;
  readonly atomic: boolean;
  readonly wireFields: readonly Field[];
  readonly byNumber: ReadonlyMap<number, Field>;
  #fields: ReadonlyMap<string, Field> | undefined;

  constructor(name: string, line: MessageLine) {
    const section = name.slice(0, name.lastIndexOf('.'));
    this.name = name;
    this.goName = name.slice(section.lastIndexOf('/') + 1);
    this.typed = line.typed;
    this.atomic = line.atomic;
    this.wireFields = line.fields.map((field) => new LazyField(section, field)).sort((a, b) => a.number - b.number);
    this.byNumber = new Map(this.wireFields.map((field) => [field.number, field]));
  }

  get fields(): ReadonlyMap<string, Field> {
    this.#fields ??= new Map(
      this.wireFields.flatMap((field): [string, Field][] =>
        field.inlined && field.message ? Array.from(field.message.fields) : [[field.name, field]],
      ),
    );
    return this.#fields;
  }
}

const scalarWords: ReadonlySet<string> = new Set(scalars);

class LazyField implements Field {
  readonly name: string;
  readonly number: number;
  readonly holds: FieldLine['holds'];
  readonly pointer: boolean;
  readonly always: boolean;
  readonly required: boolean;
  readonly inlined: boolean;
  readonly mergeKey: string | undefined;
  readonly retainKeys: boolean;
  readonly replaced: boolean;
  readonly keyDefault: string | undefined;
  readonly scalar: Scalar | undefined;
  readonly apply: Field['apply'];
  readonly #messageName: string;

  constructor(section: string, line: FieldLine) {
    this.name = line.name;
    this.number = line.number;
    this.holds = line.holds;
    this.pointer = line.pointer;
    this.always = line.always;
    this.required = line.required;
    this.inlined = line.inlined;
    this.mergeKey = line.mergeKey;
    this.retainKeys = line.retainKeys;
    this.replaced = line.replaced;
    this.keyDefault = line.keyDefault;
    this.scalar = scalarWords.has(line.type) ? (line.type as Scalar) : undefined;
    this.apply = line.apply ?? (line.holds === 'list' ? 'atomic' : 'granular');
    this.#messageName = line.type.includes('.') ? line.type : `${section}.${line.type}`;
  }

  get message(): Message | undefined {
    if (this.scalar) return undefined;
    const found = messageNamed(this.#messageName);
    if (!found) throw new Error(`schema: ${this.#messageName} is not in the table`);
    return found;
  }
}
