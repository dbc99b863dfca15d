// One request and its answer, as the handlers see them: no sockets, no HTTP version.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import { ApiError } from '../../kube/meaning/api-error.ts';
import type { User } from './identity/user.ts';

export interface ApiRequest {
  readonly method: string;
  /** As sent: not decoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly user: User;
  /** Aborted once the client has gone or the server closes. */
  readonly stop: AbortSignal;
  /** Printed as `Warning:` headers. */
  readonly warnings: string[];
  readonly incoming: IncomingMessage | Http2ServerRequest;
  /** Names the request in the audit log and in the answer's headers. */
  readonly auditId: string;
}

/** Writes a part of a streamed answer; await it, so that a slow reader slows the writer down. */
export type Send = (chunk: string | Uint8Array) => Promise<void>;

/** For those who write the same to many: no promise a write. What `send` still holds leaves before it. */
export interface Sink {
  /** False: the connection is full, and it is kind to wait for the drain. Writes to one that is gone vanish. */
  write(bytes: Uint8Array): boolean;
  onDrain(listener: () => void): void;
}

export interface Answer {
  code: number;
  headers?: Record<string, string | string[]>;
  body?: string | Uint8Array;
  /** Instead of body: headers leave at once, then whatever is sent until the promise settles. */
  stream?(send: Send, sink: Sink): Promise<void>;
}

export const maxBodyBytes = 3 * 1024 * 1024;

export async function readBody(request: ApiRequest): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const { incoming } = request;
  // Destroying it with the loop would take the connection away before the refusal is read.
  for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBodyBytes) {
      incoming.resume();
      throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${maxBodyBytes}`);
    }
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
}

export const jsonAnswer = (value: unknown, code = 200, headers: Record<string, string> = {}): Answer => ({
  code,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(value),
});

export const textAnswer = (body: string, code = 200): Answer => ({
  code,
  headers: { 'content-type': 'text/plain; charset=utf-8' },
  body,
});

export const isTrue = (value: string | null): boolean => value !== null && value !== 'false' && value !== '0';
