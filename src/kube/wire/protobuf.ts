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
  const { apiVersion, kind } = object;
  const message = messageOf(apiVersion, kind);
  if (!message) return undefined;
  const raw = Buffer.from(encodeMessage(object as unknown as Record<string, unknown>, message)).toString('base64');
  return Buffer.concat([prefix, encodeMessage({ typeMeta: { apiVersion, kind }, raw }, inTable('runtime.Unknown'))]);
}

/** One event of a watch (`stream=watch`): its length in four bytes, then a meta/v1.WatchEvent around an encoded object. */
export function encodeWatchFrame(type: string, encoded: Uint8Array): Uint8Array {
  const object = { raw: Buffer.from(encoded).toString('base64') };
  const frame = encodeMessage({ type, object }, inTable('runtime.WatchFrame'));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(frame.length);
  return Buffer.concat([length, frame]);
}

const inTable = (name: string): Message => messageNamed(name) as Message;
