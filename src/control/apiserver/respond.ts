// Puts an answer on the wire, over HTTP/1.1 or HTTP/2 alike.
import { once } from 'node:events';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Writable } from 'node:stream';
import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Answer, ApiRequest, Send, Sink } from './request.ts';

export type Response = ServerResponse | Http2ServerResponse;

/** Backslashes and quotes are escaped; anything a header cannot carry becomes a blank. */
const warningHeader = (text: string) => `299 - "${text.replaceAll(/[^\u0020-\u007e]/g, ' ').replaceAll(/["\\]/g, '\\$&')}"`;

function headersOf({ headers }: Answer, { warnings, auditId }: ApiRequest): Record<string, string | string[]> {
  const distinct = [...new Set(warnings)];
  return {
    'cache-control': 'no-cache, private',
    'audit-id': auditId,
    ...(distinct.length > 0 && { warning: distinct.map(warningHeader) }),
    ...headers,
  };
}

/** Resolves when everything is handed to the connection; a stream, when it has ended. */
export async function respond(response: Response, request: ApiRequest, answer: Answer): Promise<void> {
  const headers = headersOf(answer, request);
  if (answer.stream) {
    writeHead(response, answer.code, headers);
    (response as ServerResponse).flushHeaders();
    const { send, flush } = senderTo(response);
    await answer.stream(send, sinkTo(response, flush));
    flush();
    response.end();
    return;
  }
  const body = answer.body ?? '';
  const packed = await packedBody(request, answer.code, body);
  if (packed) {
    writeHead(response, answer.code, { ...headers, vary: [headers['vary'] ?? [], 'Accept-Encoding'].flat().join(', '), 'content-encoding': 'gzip', 'content-length': String(packed.length) });
    response.end(packed);
    return;
  }
  writeHead(response, answer.code, answer.code === 304 ? headers : { ...headers, 'content-length': String(Buffer.byteLength(body)) });
  if (request.method === 'HEAD' || answer.code === 304) response.end();
  else response.end(body);
}

const compress = promisify(gzip);
const leastPackedBytes = 128 * 1024;

/** Large bodies are worth the time of packing, at the fastest level; undefined: send it as it is. */
async function packedBody({ method, headers }: ApiRequest, code: number, body: string | Uint8Array): Promise<Buffer | undefined> {
  if (method !== 'GET' || code !== 200 || body.length <= leastPackedBytes) return undefined;
  const accepts = String(headers['accept-encoding'] ?? '').split(',').some((one) => /^\s*gzip\s*(;|$)/.test(one) && !/;\s*q=0(\.0+)?\s*$/.test(one));
  return accepts ? compress(body, { level: 1 }) : undefined;
}

const writeHead = (response: Response, code: number, headers: Record<string, string | string[]>) =>
  (response as ServerResponse).writeHead(code, headers);

const isGone = (response: Response) => response.destroyed || response.writableEnded;

interface Sender {
  send: Send;
  /** Writes what is still held; to be called before the response is ended. */
  flush(): void;
}

const mostHeldBytes = 256 * 1024;

/** Joins what is sent within one turn of the event loop into one write; waits while the reader is behind. */
export function senderTo(response: Response): Sender {
  let held: Buffer[] = [];
  let heldBytes = 0;
  function flush(): void {
    if (held.length === 0) return;
    const chunks = held;
    held = [];
    heldBytes = 0;
    if (isGone(response)) return;
    (response as ServerResponse).write(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
  }
  return {
    flush,
    async send(chunk) {
      if (isGone(response)) return;
      if (held.length === 0) setImmediate(flush);
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      held.push(bytes);
      heldBytes += bytes.length;
      if (heldBytes > mostHeldBytes) flush();
      if (response.writableNeedDrain) await drained(response);
    },
  };
}

/** `before` is called before each write. HTTP/2's own stream is asked for less than the response that imitates HTTP/1's. */
function sinkTo(response: Response, before: () => void): Sink {
  const out: Writable = 'stream' in response ? response.stream : response;
  // Asked of the stream at every write, `destroyed` would be a good part of the write's cost.
  let isThere = !out.destroyed;
  out.once('close', () => (isThere = false));
  return {
    write(bytes) {
      before();
      return !isThere || out.write(bytes);
    },
    onDrain: (listener) => void out.on('drain', listener),
  };
}

async function drained(response: Response): Promise<void> {
  const settled = new AbortController();
  const { signal } = settled;
  try {
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
  } catch {
    // The reader has gone: nothing more to wait for; what is streamed ends through its stop signal.
  } finally {
    settled.abort();
  }
}
