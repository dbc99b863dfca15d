// A client connection that speaks HTTP/1: one request after the other, answered in order.
//
//   idle ─▶ head ─▶ body ─▶ waiting for the response ─▶ idle …      (pipelined bytes wait in #stash, bounded)
//                     └─▶ lingering: answered early, reading past the rest so that the answer is not lost
import type { Socket } from 'node:net';
import { answer, type Answer } from '../request/answers.ts';
import type { Timed } from '../deadlines.ts';
import { type BodyReader, createBodyReader } from '../http1/body.ts';
import { findHeadEnd, parseRequestHead, skipEmptyLines } from '../http1/head.ts';
import { findHeader, type Header, RefusedMessage, type RequestHead, type ResponseHead } from '../http1/message.ts';
import { createOutbox, type Outbox } from '../http1/outbox.ts';
import type { ClientSide } from '../request/inbound.ts';
import type { ClientConnection, ProxyContext } from '../proxy-context.ts';
import { type ServedRequest, serveRequest } from '../request/served-request.ts';
import { type Answering, Exchange } from '../upstream/exchange.ts';
import { createResponseWriter, type ResponseWriter } from './http1-response.ts';
import { joinSockets } from './join-sockets.ts';

const stashBytes = 64 * 1024;
const lingerBytes = 16 * 1024 * 1024;

export class Http1Connection implements Answering, Timed, ClientConnection {
  deadline: number;
  readonly listener: string;
  readonly #socket: Socket;
  readonly #context: ProxyContext;
  readonly #client: ClientSide;
  readonly #out: Outbox;
  readonly #response: ResponseWriter;
  /** Bytes read but not yet understood: an unfinished head, or requests sent ahead. */
  #stash: Buffer | undefined;
  #scanned = 0;
  #taking = false;
  #head: RequestHead | undefined;
  #served: ServedRequest | undefined;
  #exchange: Exchange | undefined;
  #reader: BodyReader | undefined;
  #bodyBytes = 0;
  /** Close once the response is out. */
  #last = false;
  /** The client sends no more; what it sent is still answered. */
  #halfClosed = false;
  #lingering = false;
  #lingered = 0;
  /** Those that an upgraded connection loses. */
  readonly #handlers: readonly (readonly [event: string, handle: (bytes: Buffer) => void])[] = [
    ['data', (bytes) => this.#received(bytes)],
    ['drain', () => this.#drained()],
    ['end', () => this.#ended()],
  ];

  constructor(socket: Socket, client: ClientSide, context: ProxyContext) {
    this.#socket = socket;
    this.#context = context;
    this.#client = client;
    this.listener = client.listener;
    this.#out = createOutbox(socket);
    this.#response = createResponseWriter(this.#out);
    this.deadline = performance.now() + context.timeouts.headMs;
    context.deadlines.add(this);
    for (const [event, handle] of this.#handlers) socket.on(event, handle);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#gone());
  }

  drain(): void {
    this.#last = true;
    if (!this.#head && !this.#stash && !this.#lingering) this.#closeAfterAnswer(false);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  expired(): void {
    if (this.#head && this.#response.status === 0 && !this.#socket.writableNeedDrain) this.#refuse(new RefusedMessage(408, 'the request body stalls'));
    else if (!this.#head && this.#stash) this.#refuse(new RefusedMessage(408, 'the request head stalls'));
    else this.#socket.destroy();
  }

  // --- from the client --------------------------------------------------------------------------------------------

  #received(bytes: Buffer): void {
    if (this.#lingering) return this.#linger(bytes);
    try {
      this.#take(bytes);
    } catch (error) {
      if (!(error instanceof RefusedMessage)) throw error;
      this.#refuse(error);
    }
  }

  #take(bytes: Buffer): void {
    this.#taking = true;
    let rest: Buffer | undefined = bytes;
    try {
      while (rest && rest.length > 0 && !this.#lingering && !this.#socket.destroyed) rest = this.#step(rest);
    } finally {
      this.#taking = false;
    }
    if (!this.#exchange || !this.#reader || this.#exchange.flush() || this.#reader.done) return;
    // The client is not to blame for the wait: the exchange counts it.
    this.deadline = Infinity;
    this.#socket.pause();
  }

  /** Understands one more piece; undefined = wait for more bytes or for the response. */
  #step(bytes: Buffer): Buffer | undefined {
    if (!this.#head) return this.#takeHead(bytes);
    if (this.#reader && !this.#reader.done) return this.#takeBody(bytes);
    this.#stash = this.#stash ? Buffer.concat([this.#stash, bytes]) : bytes;
    if (this.#stash.length > stashBytes) this.#socket.pause();
    return undefined;
  }

  #takeHead(bytes: Buffer): Buffer | undefined {
    const joined = this.#stash ? Buffer.concat([this.#stash, bytes]) : bytes;
    const whole = this.#scanned === 0 ? joined.subarray(skipEmptyLines(joined)) : joined;
    this.#stash = undefined;
    const end = findHeadEnd(whole, this.#scanned, this.#context.limits);
    if (end < 0) return this.#awaitHead(whole);
    this.#scanned = 0;
    this.#begin(parseRequestHead(whole.toString('latin1', 0, end - 4), this.#context.limits));
    return whole.subarray(end);
  }

  #awaitHead(whole: Buffer): undefined {
    if (whole.length === 0) return;
    if (this.#scanned === 0) this.#wait(this.#context.timeouts.headMs);
    this.#scanned = whole.length;
    this.#stash = whole;
  }

  #takeBody(bytes: Buffer): Buffer {
    const at = this.#reader!.read(bytes, 0, (payload) => this.#bodyPart(payload));
    if (this.#reader?.done) this.#bodyDone(this.#reader.trailers);
    else this.#wait(this.#context.timeouts.clientMs);
    return bytes.subarray(at);
  }

  #bodyPart(payload: Buffer): void {
    this.#bodyBytes += payload.length;
    if (this.#bodyBytes > this.#context.maxBodyBytes) throw new RefusedMessage(413, 'request body is too large');
    this.#exchange?.write(payload);
  }

  /** From here on only the endpoint is waited for, and it has deadlines of its own. */
  #bodyDone(trailers: readonly Header[]): void {
    this.deadline = Infinity;
    this.#exchange?.end(trailers);
  }

  #begin(head: RequestHead): void {
    this.#head = head;
    this.#reader = createBodyReader(head.framing);
    this.#bodyBytes = 0;
    this.#response.reset();
    if (!head.keepAlive || this.#context.draining) this.#last = true;
    const protocol = head.minorVersion === 1 ? 'HTTP/1.1' : 'HTTP/1.0';
    this.#served = serveRequest(this.#context, { head, client: this.#client }, protocol, this);
    const { next } = this.#served;
    if (!(next instanceof Exchange)) return this.#answer(next);
    this.#exchange = next;
    if (head.expectsContinue && !this.#reader.done) this.#out.put('HTTP/1.1 100 Continue\r\n\r\n');
    this.#out.flush();
    this.deadline = this.#reader.done ? Infinity : performance.now() + this.#context.timeouts.clientMs;
    next.start();
  }

  #ended(): void {
    this.#halfClosed = true;
    if (this.#lingering || !this.#head || (this.#reader && !this.#reader.done)) this.#socket.destroySoon();
  }

  #drained(): void {
    if (this.#lingering) return;
    this.#wait(this.#head ? Infinity : this.#context.timeouts.idleMs);
    if (this.#exchange) this.#exchange.resume();
    else if (!this.#head) this.#next();
  }

  #gone(): void {
    this.#context.deadlines.delete(this);
    this.#exchange?.abort();
    this.#exchange = undefined;
    // 499 is nginx's code for a client that left; it only ever appears in logs.
    this.#served?.finished(this.#response.status || 499, this.#response.sentBytes);
    this.#served = undefined;
  }

  // --- to the client ----------------------------------------------------------------------------------------------

  interim(head: ResponseHead): void {
    this.#response.interim(this.#head!, head);
    this.#out.flush();
  }

  head(head: ResponseHead): void {
    this.#last = this.#response.head(this.#head!, head, this.#last);
  }

  data(payload: Buffer): void {
    this.#response.data(payload);
  }

  flush(): boolean {
    const flowing = this.#out.flush();
    if (!flowing) this.#wait(this.#context.timeouts.clientMs);
    return flowing;
  }

  end(trailers: readonly Header[]): void {
    this.#response.end(trailers);
    this.#finish();
  }

  switched(head: ResponseHead, upstream: Socket, rest: Buffer): void {
    this.#response.switched(head, findHeader(head.headers, 'upgrade') ?? this.#head!.upgrade!);
    if (rest.length > 0) this.#out.put(rest);
    this.#out.flush();
    this.#exchange = undefined;
    this.#context.deadlines.delete(this);
    for (const [event, handle] of this.#handlers) this.#socket.off(event, handle);
    if (this.#stash) upstream.write(this.#stash);
    this.#stash = undefined;
    joinSockets(this.#socket, upstream, this.#context);
  }

  failed(status: 502 | 504, reason: string, answered: boolean): void {
    this.#exchange = undefined;
    this.#served?.finished(answered ? this.#response.status : status, this.#response.sentBytes, reason);
    this.#served = undefined;
    if (answered) this.#socket.destroy();
    else this.#answer(answer(status));
  }

  drained(): void {
    if (this.#head && this.#reader && !this.#reader.done) this.#wait(this.#context.timeouts.clientMs);
    this.#socket.resume();
  }

  /** The request breaks a rule: nothing after it can be trusted, so the connection closes. */
  #refuse(refused: RefusedMessage): void {
    this.#context.metrics.refused(refused.status);
    this.#exchange?.abort();
    this.#exchange = undefined;
    this.#last = true;
    if (this.#response.status !== 0) return this.destroy();
    this.#answer(answer(refused.status), true);
  }

  /** `unread`: what the client sent cannot be understood any further. */
  #answer(own: Answer, unread = false): void {
    this.#exchange = undefined;
    if (unread || (this.#reader !== undefined && !this.#reader.done)) this.#last = true;
    this.#response.answer(this.#head, own, this.#last);
    this.#finish(unread);
  }

  /** The response is complete. */
  #finish(unread = false): void {
    const flowing = this.#out.flush();
    this.#served?.finished(this.#response.status, this.#response.sentBytes);
    const incomplete = unread || (this.#reader !== undefined && !this.#reader.done);
    this.#served = this.#exchange = this.#reader = this.#head = undefined;
    if (incomplete || this.#last || (this.#halfClosed && !this.#stash)) return this.#closeAfterAnswer(incomplete);
    this.#wait(flowing ? this.#context.timeouts.idleMs : this.#context.timeouts.clientMs);
    if (flowing) this.#next();
  }

  /** Requests that were sent ahead come now; not before the client has taken the last response. */
  #next(): void {
    if (this.#socket.isPaused()) this.#socket.resume();
    if (this.#taking || !this.#stash || this.#scanned > 0) return;
    const ahead = this.#stash;
    this.#stash = undefined;
    this.#received(ahead);
    if (this.#halfClosed && !this.#head) this.#socket.destroySoon();
  }

  /** Closing with unread bytes would reset the connection and may destroy the answer on its way (RFC 9112 section 9.6). */
  #closeAfterAnswer(incomplete: boolean): void {
    this.#stash = undefined;
    this.#lingering = true;
    this.#wait(this.#context.timeouts.lingerMs);
    if (this.#halfClosed) this.#socket.destroySoon();
    else this.#socket.end();
    if (incomplete) this.#socket.resume();
  }

  #linger(bytes: Buffer): void {
    this.#lingered += bytes.length;
    if (this.#lingered > lingerBytes) this.#socket.destroy();
  }

  #wait(ms: number): void {
    this.deadline = performance.now() + ms;
  }
}
