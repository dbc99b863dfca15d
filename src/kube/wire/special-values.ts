// Values that Kubernetes wraps in a message on the wire but writes plainly in JSON: times, quantities, ports, raw JSON.
// Each is a pair: from the wrapping message's fields to JSON, and back to those fields in order of their numbers.
import { badRequest } from '../meaning/api-error.ts';
import type { Scalar } from '../schema/schema.ts';

/** A field as it stands on the wire: number, and a varint or bytes. */
export type WireField = readonly [number: number, value: bigint | Uint8Array];

export interface SpecialValue {
  /** undefined = the zero value. Throws ApiError 400. */
  fromWire(fields: readonly WireField[]): unknown;
  toWire(value: unknown): WireField[];
  /** What stands in JSON when the field is printed although zero. */
  zero?: unknown;
}

const text = (value: bigint | Uint8Array | undefined): string =>
  value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : '';
const last = (fields: readonly WireField[], number: number) => fields.findLast((field) => field[0] === number)?.[1];
const varint = (fields: readonly WireField[], number: number): bigint => {
  const value = last(fields, number);
  return typeof value === 'bigint' ? BigInt.asIntN(64, value) : 0n;
};
const bytes = (value: unknown): Uint8Array => Buffer.from(value as string, 'utf8');

// Years 0 to 9999: what RFC 3339 can say. Go refuses the rest too.
const firstSecond = -62_167_219_200n;
const lastSecond = 253_402_300_799n;

function printTime(fields: readonly WireField[], micro: boolean): string | undefined {
  if (fields.length === 0) return undefined;
  const seconds = varint(fields, 1);
  if (seconds < firstSecond || seconds > lastSecond) throw badRequest('time: year outside of range [0,9999]');
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  // meta/v1.Time drops the fraction when it reads, so that JSON and protobuf clients see the same.
  const micros = Number(varint(fields, 2)) / 1000;
  return micro ? `${whole}.${String(Math.floor(micros)).padStart(6, '0').slice(0, 6)}Z` : `${whole}Z`;
}

function parseTime(value: unknown): WireField[] {
  const ms = Date.parse(String(value));
  if (Number.isNaN(ms)) return [];
  const seconds = Math.floor(ms / 1000);
  const fraction = /\.(\d{1,9})/.exec(String(value))?.[1] ?? '';
  return [
    [1, BigInt(seconds)],
    [2, BigInt(fraction.padEnd(9, '0'))],
  ];
}

function parseJson(raw: bigint | Uint8Array | undefined): unknown {
  if (!(raw instanceof Uint8Array) || raw.length === 0) return undefined;
  try {
    return JSON.parse(text(raw));
  } catch {
    throw badRequest('an embedded raw value is not JSON');
  }
}

const rawJson: SpecialValue = {
  fromWire: (fields) => parseJson(last(fields, 1)),
  toWire: (value) => [[1, value === undefined ? new Uint8Array() : bytes(JSON.stringify(value))]],
};

export const specialValues: Partial<Record<Scalar, SpecialValue>> = {
  time: { fromWire: (fields) => printTime(fields, false), toWire: (value) => parseTime(value).map(([n, v]) => [n, n === 2 ? 0n : v]) },
  microtime: { fromWire: (fields) => printTime(fields, true), toWire: parseTime },
  quantity: {
    fromWire: (fields) => text(last(fields, 1)).replace(/^0$/, '') || undefined,
    toWire: (value) => [[1, bytes(value === undefined ? '0' : String(value))]],
    zero: '0',
  },
  intstr: {
    fromWire(fields) {
      if (varint(fields, 1) !== 0n) return text(last(fields, 3));
      return Number(BigInt.asIntN(32, varint(fields, 2))) || undefined;
    },
    toWire: (value) => [
      [1, typeof value === 'string' ? 1n : 0n],
      [2, typeof value === 'number' ? BigInt(Math.trunc(value)) : 0n],
      [3, bytes(typeof value === 'string' ? value : '')],
    ],
    zero: 0,
  },
  fields: rawJson,
  raw: rawJson,
  json: rawJson,
  strings: {
    fromWire: (fields) => fields.filter(([number]) => number === 1).map(([, value]) => text(value)),
    toWire: (value) => (Array.isArray(value) ? value : []).map((item): WireField => [1, bytes(item)]),
    zero: [],
  },
};
