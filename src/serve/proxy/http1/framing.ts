// Where a body ends. The rules of RFC 9112 section 6.3, minus every leniency: two lengths, or a length and a
// transfer coding, are refused instead of repaired.
import { findHeader, type Framing, type Header, listOf, noBody, RefusedMessage } from './message.ts';

export function requestFraming(headers: readonly Header[], minorVersion: number): Framing {
  const declared = declaredFraming(headers, 400);
  if (declared?.type === 'chunked' && minorVersion === 0) throw new RefusedMessage(400, 'HTTP/1.0 knows no transfer coding');
  return declared ?? noBody;
}

export function responseFraming(headers: readonly Header[], method: string, status: number): Framing {
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return noBody;
  return declaredFraming(headers, 502) ?? { type: 'until-close' };
}

function declaredFraming(headers: readonly Header[], status: number): Framing | undefined {
  let length: string | undefined;
  let codings = 0;
  for (const { key, value } of headers) {
    if (key === 'transfer-encoding') codings++;
    if (key !== 'content-length') continue;
    if (length !== undefined) throw new RefusedMessage(status, 'more than one Content-Length');
    length = value;
  }
  if (codings > 0) return codingOf(headers, length, status);
  if (length === undefined) return undefined;
  if (!/^\d{1,15}$/.test(length)) throw new RefusedMessage(status, 'Content-Length is not a number');
  return { type: 'length', bytes: Number(length) };
}

function codingOf(headers: readonly Header[], length: string | undefined, status: number): Framing {
  if (length !== undefined) throw new RefusedMessage(status, 'both Content-Length and Transfer-Encoding');
  const codings = listOf(headers, 'transfer-encoding');
  if (codings.length === 1 && codings[0] === 'chunked') return { type: 'chunked' };
  throw new RefusedMessage(status === 400 && codings.at(-1) === 'chunked' ? 501 : status, `transfer coding ${codings.join(', ')} is not known`);
}

/** What a response without a body may still say of the one a GET would have. */
export const declaredLength = (headers: readonly Header[]): string | undefined => {
  const length = findHeader(headers, 'content-length');
  return length !== undefined && /^\d{1,15}$/.test(length) ? length : undefined;
};
