// application/vnd.kubernetes.protobuf: the envelope around one object, and the frames of a watch.
// kubectl ≥ 1.32 and programs built on client-go ≥ 0.32 send every typed object this way.
import { badRequest } from '../meaning/api-error.ts';
import type { KubeObject } from '../objects/meta.ts';
import { messageNamed, messageOf } from '../schema/schema.ts';
import type { Message } from '../schema/schema.ts';
import { decodeMessage } from './decode-message.ts';
import { encodeMessage } from './encode-message.ts';

export const protobufType = 'application/vnd.kubernetes.protobuf';

/** `k8s` and a zero: how every protobuf body of Kubernetes begins. */
const prefix = Uint8Array.of(0x6b, 0x38, 0x73, 0);

interface Envelope {
  typeMeta?: { apiVersion?: string; kind?: string };
  /** Base64, like all bytes in JSON. */
  raw?: string;
}

/**
 * The object in a request body. `expected` stands in for an envelope that does not say its type.
 * Throws ApiError 400.
 */
export function decodeProtobuf(body: Uint8Array, expected?: { apiVersion: string; kind: string }): KubeObject {
  if (!prefix.every((byte, i) => body[i] === byte)) {
    throw badRequest(`provided data does not appear to be a protobuf message, expected prefix [${prefix.join(' ')}]`);
  }
  const envelope = decodeMessage(body.subarray(prefix.length), inTable('runtime.Unknown')) as Envelope;
  const apiVersion = envelope.typeMeta?.apiVersion ?? expected?.apiVersion ?? '';
  const kind = envelope.typeMeta?.kind ?? expected?.kind ?? '';
  const message = messageOf(apiVersion, kind);
  if (!message) throw badRequest(`no kind "${kind}" is registered for version "${apiVersion}"`);
  const raw = Buffer.from(envelope.raw ?? '', 'base64');
  return { apiVersion, kind, ...decodeMessage(raw, message) } as unknown as KubeObject;
}

/** The body of a response; undefined for a type that has no protobuf form (custom resources): answer JSON then. */
export function encodeProtobuf(object: { apiVersion: string; kind: string }): Uint8Array | undefined {
  const bare = encodeBare(object);
  return bare && wrapProtobuf(object, [bare]);
}

/** The object's message alone, as it lies in a list or in an envelope; undefined for a type without protobuf. */
export function encodeBare(object: { apiVersion: string; kind: string }): Uint8Array | undefined {
  const message = messageOf(object.apiVersion, object.kind);
  return message && encodeMessage(object as unknown as Record<string, unknown>, message);
}

export const hasProtobuf = ({ apiVersion, kind }: { apiVersion: string; kind: string }): boolean => messageOf(apiVersion, kind) !== undefined;

/** Puts the envelope around an encoded message, given in parts. */
export function wrapProtobuf({ apiVersion, kind }: { apiVersion: string; kind: string }, parts: readonly Uint8Array[]): Buffer {
  const typeMeta = encodeMessage({ apiVersion, kind }, inTable('runtime.TypeMeta'));
  // Two empty strings end it: the encoding and the type of what it carries are left open.
  return Buffer.concat([prefix, ...lengthDelimited(1, [typeMeta]), ...lengthDelimited(2, parts), Uint8Array.of(0x1a, 0, 0x22, 0)]);
}

/** A list from items that are encoded already: they are made once and sent many times. */
export function wrapProtobufList(list: { apiVersion: string; kind: string }, metadata: object, items: readonly Uint8Array[]): Buffer {
  const meta = encodeMessage(metadata as Record<string, unknown>, inTable('meta/v1.ListMeta'));
  return wrapProtobuf(list, [...lengthDelimited(1, [meta]), ...items.flatMap((item) => lengthDelimited(2, [item]))]);
}

/** A message of which only the metadata are known: every object has them as field 1. */
export function encodePartial(metadata: object): Uint8Array {
  return Buffer.concat(lengthDelimited(1, [encodeMessage(metadata as Record<string, unknown>, inTable('meta/v1.ObjectMeta'))]));
}

function lengthDelimited(number: number, parts: readonly Uint8Array[]): Uint8Array[] {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return [Uint8Array.of(number * 8 + 2, ...varint(length)), ...parts];
}

function varint(value: number): number[] {
  const digits: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...digits, rest];
    digits.push((rest % 128) | 128);
  }
}

/** One event of a watch (`stream=watch`): its length in four bytes, then a meta/v1.WatchEvent around an encoded object. */
export function encodeWatchFrame(type: string, encoded: Uint8Array): Buffer {
  const frame = Buffer.concat([...lengthDelimited(1, [Buffer.from(type)]), ...lengthDelimited(2, lengthDelimited(1, [encoded]))]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  return Buffer.concat([length, frame]);
}

const inTable = (name: string): Message => messageNamed(name) as Message;
