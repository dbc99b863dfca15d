// One connection to an endpoint: carries one request at a time and lies in the pool between two.
import type { Socket } from 'node:net';
import type { Timed } from '../deadlines.ts';
import { createOutbox, type Outbox } from '../http1/outbox.ts';

/** Whoever uses the connection now. After `closed` nothing more is called. */
export interface ConnectionUser {
  connected(): void;
  received(bytes: Buffer): void;
  drained(): void;
  closed(error: Error | undefined): void;
}

export class UpstreamConnection implements Timed {
  readonly endpoint: string;
  readonly out: Outbox;
  readonly socket: Socket;
  deadline = Infinity;
  connected = false;
  /** Requests carried before this one: a reused connection may have been closed by the other side just now. */
  uses = 0;
  #user: ConnectionUser | undefined;
  #error: Error | undefined;
  readonly #gone: (connection: UpstreamConnection) => void;
  readonly #handlers: readonly (readonly [event: string, handle: (bytes: Buffer) => void])[] = [
    ['connect', () => this.#connected()],
    ['data', (bytes) => this.#received(bytes)],
    ['drain', () => this.#user?.drained()],
    ['end', () => this.socket.destroy()],
    ['close', () => this.#closed()],
  ];

  constructor(endpoint: string, socket: Socket, gone: (connection: UpstreamConnection) => void) {
    this.endpoint = endpoint;
    this.socket = socket;
    this.out = createOutbox(socket);
    this.#gone = gone;
    socket.setNoDelay(true);
    for (const [event, handle] of this.#handlers) socket.on(event, handle);
    socket.on('error', (error) => (this.#error = error));
  }

  use(user: ConnectionUser): void {
    this.#user = user;
    this.deadline = Infinity;
    this.socket.resume();
  }

  /** The user is done with it; the connection is either given back to the pool or destroyed next. */
  release(): void {
    this.#user = undefined;
    this.uses++;
  }

  /** For an upgraded connection: the socket, without any of our listeners but the one for errors. */
  detach(): Socket {
    this.#user = undefined;
    for (const [event, handle] of this.#handlers) this.socket.off(event, handle);
    this.#gone(this);
    return this.socket;
  }

  expired(): void {
    this.destroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  get usable(): boolean {
    return this.connected && !this.socket.destroyed && this.socket.writable && !this.socket.readableEnded;
  }

  #connected(): void {
    this.connected = true;
    this.#user?.connected();
  }

  /** Bytes that nobody asked for mean the other side is out of step: never reuse it. */
  #received(bytes: Buffer): void {
    if (this.#user) this.#user.received(bytes);
    else this.destroy();
  }

  #closed(): void {
    this.#gone(this);
    const user = this.#user;
    this.#user = undefined;
    user?.closed(this.#error);
  }
}
