// The server's side of SPDY/3.1 as kubectl speaks it (moby/spdystream): streams the client opens, data, half-close,
// reset, ping. No flow control: the client has none, so a full stream pauses the whole connection.
// https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
import { Duplex } from 'node:stream';
import { createHeaderCoder, type HeaderCoder, type SpdyHeaders } from './spdy-headers.ts';

// Kinds of control frames; the first bit of a frame tells them from data.
const control = { synStream: 1, synReply: 2, resetStream: 3, ping: 6 } as const;
const finFlag = 1;

function controlFrame(type: number, payload: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8003, 0);
  head.writeUInt16BE(type, 2);
  head[4] = flags;
  head.writeUIntBE(payload.length, 5, 3);
  return Buffer.concat([head, payload]);
}

function dataFrame(id: number, payload: Uint8Array, flags = 0): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(id, 0);
  head[4] = flags;
  head.writeUIntBE(payload.length, 5, 3);
  return payload.length === 0 ? head : Buffer.concat([head, payload]);
}

/** One stream, as bytes. Ending it sends FIN. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: SpdyHeaders;
  readonly #connection: SpdyConnection;

  constructor(connection: SpdyConnection, id: number, headers: SpdyHeaders) {
    super();
    this.id = id;
    this.headers = headers;
    this.#connection = connection;
    this.on('error', () => {});
  }

  override _read(): void {
    this.#connection.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#connection.send(dataFrame(this.id, chunk), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#connection.send(dataFrame(this.id, Buffer.alloc(0), finFlag), done);
  }
}

/** Ends with the byte stream below it. */
export class SpdyConnection {
  readonly #raw: Duplex;
  readonly #coder: HeaderCoder = createHeaderCoder();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #onStream: (stream: SpdyStream) => void;
  #unread: Buffer = Buffer.alloc(0);
  /** Frames are worked on one after the other: header blocks share one compressor. */
  #work: Promise<void> = Promise.resolve();

  constructor(raw: Duplex, onStream: (stream: SpdyStream) => void) {
    this.#raw = raw;
    this.#onStream = onStream;
    raw.on('data', (chunk: Buffer) => this.#receive(chunk));
    raw.once('close', () => this.close());
    raw.on('error', () => this.close());
  }

  send(frame: Buffer, done?: (error?: Error | null) => void): void {
    if (this.#raw.writable) this.#raw.write(frame, done);
    else done?.(new Error('the connection is closed'));
  }

  resume(): void {
    this.#raw.resume();
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.destroy();
    this.#streams.clear();
    this.#coder.close();
    this.#raw.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    while (this.#unread.length >= 8) {
      const end = 8 + this.#unread.readUIntBE(5, 3);
      if (this.#unread.length < end) return;
      const frame = this.#unread.subarray(0, end);
      this.#unread = this.#unread.subarray(end);
      this.#work = this.#work.then(() => this.#handle(frame)).catch(() => this.close());
    }
  }

  async #handle(frame: Buffer): Promise<void> {
    const payload = frame.subarray(8);
    const flags = frame[4]!;
    if ((frame[0]! & 0x80) === 0) return this.#handleData(frame.readUInt32BE(0), payload, flags);
    const type = frame.readUInt16BE(2);
    if (type === control.synStream) return this.#open(payload, flags);
    if (type === control.ping) this.send(frame);
    if (type === control.resetStream) this.#reset(payload.readUInt32BE(0) & 0x7fffffff);
    // SETTINGS, WINDOW_UPDATE and GOAWAY ask nothing of us.
  }

  #handleData(id: number, payload: Buffer, flags: number): void {
    const stream = this.#streams.get(id);
    if (!stream || stream.destroyed) return;
    if (payload.length > 0 && !stream.push(payload)) this.#raw.pause();
    if (flags & finFlag) stream.push(null);
  }

  /** A stream the client opens: acknowledged at once, as clients wait for that before they send. */
  async #open(payload: Buffer, flags: number): Promise<void> {
    const id = payload.readUInt32BE(0) & 0x7fffffff;
    // Ids, priority and slot take ten bytes; the rest is the header block.
    const headers = await this.#coder.decode(payload.subarray(10));
    const stream = new SpdyStream(this, id, headers);
    this.#streams.set(id, stream);
    stream.once('close', () => this.#streams.delete(id));
    this.send(controlFrame(control.synReply, Buffer.concat([payload.subarray(0, 4), await this.#coder.encode(new Map())])));
    if (flags & finFlag) stream.push(null);
    this.#onStream(stream);
  }

  #reset(id: number): void {
    this.#streams.get(id)?.destroy();
    this.#streams.delete(id);
  }
}
