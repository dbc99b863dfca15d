// One request at an endpoint and its response: sends as the body comes, retries while nothing can have happened,
// hands the response on as it comes. Bounded memory: what is kept for a retry is at most `keepBytes`.
//
//   connecting ─▶ sending head, body ─▶ head of the response ─▶ body ─▶ done
//       └── failed: next endpoint, if unsent, or idempotent and wholly kept, and no byte was answered
import type { Socket } from 'node:net';
import type { Endpoint } from '../../../model/network-model.ts';
import type { Deadlines, Timed, Timeouts } from '../deadlines.ts';
import { createBodyReader, type BodyReader } from '../http1/body.ts';
import { findHeadEnd, parseResponseHead } from '../http1/head.ts';
import { findHeader, type Framing, type Header, RefusedMessage, type ResponseHead } from '../http1/message.ts';
import { forwardableTrailers } from '../request/forward-headers.ts';
import type { ConnectionUser, UpstreamConnection } from './connection.ts';
import { endpointKey, type UpstreamPool } from './pool.ts';

export interface UpstreamRequest {
  readonly method: string;
  /** Request line and headers, with the empty line. */
  readonly head: string;
  readonly framing: Framing;
  readonly upgrade: boolean;
  /** Names the round-robin turn. */
  readonly backend: string;
  readonly endpoints: readonly Endpoint[];
}

/** Who receives the response: a client connection or stream. */
export interface Answering {
  interim(head: ResponseHead): void;
  head(head: ResponseHead): void;
  data(payload: Buffer): void;
  /** End of what one read brought. False: the client reads slowly, wait for resume(). */
  flush(): boolean;
  end(trailers: readonly Header[]): void;
  /** 101: the socket now belongs to the receiver, with the bytes already read. */
  switched(head: ResponseHead, upstream: Socket, rest: Buffer): void;
  /** No (more) response. `answered`: head() was called, so all that is left is to cut the connection. */
  failed(status: 502 | 504, reason: string, answered: boolean): void;
  /** The endpoint takes more of the request body. */
  drained(): void;
}

export interface ExchangeParts {
  readonly pool: UpstreamPool;
  readonly deadlines: Deadlines;
  readonly timeouts: Timeouts;
}

const keepBytes = 64 * 1024;
const mostTries = 3;
const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

export class Exchange implements ConnectionUser, Timed {
  deadline = Infinity;
  endpoint = '';
  readonly #parts: ExchangeParts;
  readonly #request: UpstreamRequest;
  readonly #answering: Answering;
  readonly #tried = new Set<string>();
  #tries = 1;
  #connection: UpstreamConnection | undefined;
  /** Encoded body so far, for sending once connected and for a retry; undefined once it grew too large. */
  #kept: (string | Buffer)[] | undefined = [];
  #keptBytes = 0;
  #sent = false;
  #requestDone: boolean;
  #carry: Buffer | undefined;
  #heard = false;
  #reader: BodyReader | undefined;
  #response: ResponseHead | undefined;
  #over = false;

  constructor(parts: ExchangeParts, request: UpstreamRequest, answering: Answering) {
    this.#parts = parts;
    this.#request = request;
    this.#answering = answering;
    this.#requestDone = createBodyReader(request.framing).done;
  }

  start(): void {
    if (this.#tried.size === 0) this.#parts.deadlines.add(this);
    const endpoint = this.#parts.pool.pick(this.#request.backend, this.#request.endpoints, this.#tried);
    this.endpoint = endpointKey(endpoint);
    this.#tried.add(this.endpoint);
    this.#connection = this.#parts.pool.take(endpoint);
    this.#connection.use(this);
    if (this.#connection.connected) this.#send();
    else this.#wait(this.#parts.timeouts.connectMs);
  }

  /** A piece of the request body; call flush() when there is no more at hand. */
  write(payload: Buffer): void {
    if (this.#over || payload.length === 0) return;
    if (this.#request.framing.type !== 'chunked') return this.#put(payload);
    this.#put(`${payload.length.toString(16)}\r\n`);
    this.#put(payload);
    this.#put('\r\n');
  }

  /** False: stop reading from the client until drained(). */
  flush(): boolean {
    if (this.#over) return true;
    if (!this.#sent) return false;
    const flowing = this.#connection!.out.flush();
    if (!this.#requestDone) this.deadline = flowing ? Infinity : performance.now() + this.#parts.timeouts.sendMs;
    return flowing;
  }

  /** The request body is complete. */
  end(trailers: readonly Header[]): void {
    if (this.#over || this.#requestDone) return;
    if (this.#request.framing.type === 'chunked') this.#put(`0\r\n${forwardableTrailers(trailers).map(({ name, value }) => `${name}: ${value}\r\n`).join('')}\r\n`);
    this.#requestDone = true;
    if (!this.#sent) return;
    this.#connection!.out.flush();
    if (!this.#response) this.#wait(this.#parts.timeouts.readMs);
  }

  /** The client reads again. */
  resume(): void {
    if (this.#over || !this.#connection) return;
    this.#wait(this.#parts.timeouts.readMs);
    this.#connection.socket.resume();
  }

  /** The client is gone or no longer interested; nothing more is called. */
  abort(): void {
    if (this.#over) return;
    this.#finish();
    this.#connection?.release();
    this.#connection?.destroy();
  }

  // --- the connection's side -------------------------------------------------------------------------------------

  connected(): void {
    this.#send();
    this.#answering.drained();
  }

  drained(): void {
    if (!this.#requestDone) this.deadline = Infinity;
    this.#answering.drained();
  }

  received(bytes: Buffer): void {
    this.#heard = true;
    try {
      this.#read(bytes);
    } catch (error) {
      if (!(error instanceof RefusedMessage)) throw error;
      this.#drop(502, `the endpoint's response is broken: ${error.message}`);
    }
  }

  closed(error: Error | undefined): void {
    if (this.#over) return;
    if (!this.#heard && this.#connection!.uses === 0) this.#parts.pool.failed(this.endpoint);
    if (!error && this.#reader?.closed()) return this.#complete(false);
    if (this.#mayRetry()) return this.#retry();
    this.#finish();
    this.#answering.failed(502, error?.message ?? 'the endpoint closed the connection', this.#response !== undefined);
  }

  expired(): void {
    if (this.#over) return;
    if (!this.#sent) {
      this.#parts.pool.failed(this.endpoint);
      if (this.#mayRetry()) {
        this.#connection!.release();
        this.#connection!.destroy();
        return this.#retry();
      }
    }
    this.#drop(504, this.#sent ? 'the endpoint did not answer in time' : 'no connection in time');
  }

  // ---------------------------------------------------------------------------------------------------------------

  #put(part: string | Buffer): void {
    if (this.#sent) this.#connection!.out.put(part);
    if (!this.#kept) return;
    this.#keptBytes += part.length;
    if (this.#sent && this.#keptBytes > keepBytes) this.#kept = undefined;
    else this.#kept.push(part);
  }

  #send(): void {
    const { out } = this.#connection!;
    this.#sent = true;
    out.put(this.#request.head);
    for (const part of this.#kept ?? []) out.put(part);
    if (this.#keptBytes > keepBytes) this.#kept = undefined;
    out.flush();
    if (this.#requestDone) this.#wait(this.#parts.timeouts.readMs);
    else this.deadline = Infinity;
  }

  #mayRetry(): boolean {
    if (this.#heard || this.#tries >= mostTries) return false;
    return !this.#sent || (idempotent.has(this.#request.method) && this.#kept !== undefined && !this.#request.upgrade);
  }

  #retry(): void {
    this.#tries++;
    this.#sent = false;
    this.start();
  }

  #read(bytes: Buffer): void {
    if (this.#reader) return this.#readBody(bytes, 0);
    const scanned = this.#carry?.length ?? 0;
    const whole = this.#carry ? Buffer.concat([this.#carry, bytes]) : bytes;
    this.#carry = undefined;
    const end = this.#readHeads(whole, scanned);
    if (end >= 0) this.#readBody(whole, end);
  }

  /** The position after the final head; -1 while it has not come, or once the connection has changed hands. */
  #readHeads(bytes: Buffer, scanned: number): number {
    let start = 0;
    let from = scanned;
    for (;;) {
      const rest = start === 0 ? bytes : bytes.subarray(start);
      const end = findHeadEnd(rest, from);
      if (end < 0) {
        this.#carry = rest;
        return -1;
      }
      const head = parseResponseHead(rest.toString('latin1', 0, end - 4), this.#request.method);
      start += end;
      from = 0;
      if (head.status === 101) return this.#switch(head, bytes.subarray(start));
      if (head.status >= 200) {
        this.#begin(head);
        return start;
      }
      if (head.status !== 100) this.#answering.interim(head);
    }
  }

  #begin(head: ResponseHead): void {
    this.#answering.head(head);
    this.#response = head;
    this.#reader = createBodyReader(head.framing);
  }

  #readBody(bytes: Buffer, from: number): void {
    const reader = this.#reader!;
    const at = reader.read(bytes, from, (payload) => this.#answering.data(payload));
    if (this.#over) return;
    if (reader.done) return this.#complete(at === bytes.length);
    if (this.#answering.flush()) return this.#wait(this.#parts.timeouts.readMs);
    // The client's own send deadline counts from here.
    this.deadline = Infinity;
    this.#connection!.socket.pause();
  }

  #switch(head: ResponseHead, rest: Buffer): -1 {
    if (!this.#request.upgrade) throw new RefusedMessage(502, 'it switches protocols unasked');
    this.#finish();
    this.#answering.switched(head, this.#connection!.detach(), rest);
    return -1;
  }

  /** `clean`: the connection ended the response by its own framing and nothing follows. */
  #complete(clean: boolean): void {
    this.#finish();
    const connection = this.#connection!;
    const response = this.#response!;
    connection.release();
    if (clean && response.keepAlive && this.#requestDone) this.#parts.pool.give(connection, idleMsOf(response));
    else connection.destroy();
    this.#answering.end(forwardableTrailers(this.#reader!.trailers));
  }

  #drop(status: 502 | 504, reason: string): void {
    this.#finish();
    this.#connection!.release();
    this.#connection!.destroy();
    this.#answering.failed(status, reason, this.#response !== undefined);
  }

  #finish(): void {
    this.#over = true;
    this.#kept = undefined;
    this.#parts.deadlines.delete(this);
  }

  #wait(ms: number): void {
    this.deadline = performance.now() + ms;
  }
}

/** `Keep-Alive: timeout=5` tells when the endpoint will close; a second earlier avoids the race. */
function idleMsOf(response: ResponseHead): number | undefined {
  const seconds = /(?:^|[,\s])timeout=(\d{1,6})/i.exec(findHeader(response.headers, 'keep-alive') ?? '')?.[1];
  return seconds === undefined ? undefined : Math.max(0, Number(seconds) - 1) * 1000;
}
