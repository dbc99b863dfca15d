// Gathers what one turn wants to write on a socket and writes it at once: a system call per turn, not per part.
import type { Duplex } from 'node:stream';

export interface Outbox {
  /** Text is Latin-1. Buffers are not copied unless small. */
  put(part: string | Buffer): void;
  /** Writes what was put. False while the other side reads slower than we write: wait for 'drain'. */
  flush(): boolean;
}

/** Up to here copying parts into one buffer is cheaper than a gathered write. */
const mergeBytes = 32 * 1024;

export function createOutbox(socket: Duplex): Outbox {
  let parts: (string | Buffer)[] = [];
  let bytes = 0;
  return {
    put(part) {
      parts.push(part);
      bytes += part.length;
    },
    flush() {
      if (parts.length > 0) writeParts(socket, parts, bytes);
      if (parts.length > 0) parts = [];
      bytes = 0;
      return !socket.writableNeedDrain;
    },
  };
}

function writeParts(socket: Duplex, parts: readonly (string | Buffer)[], bytes: number): void {
  if (socket.destroyed || socket.writableEnded) return;
  if (parts.length === 1) writePart(socket, parts[0]!);
  else if (bytes <= mergeBytes) socket.write(merge(parts, bytes));
  else {
    socket.cork();
    for (const part of parts) writePart(socket, part);
    socket.uncork();
  }
}

const writePart = (socket: Duplex, part: string | Buffer): boolean => (typeof part === 'string' ? socket.write(part, 'latin1') : socket.write(part));

function merge(parts: readonly (string | Buffer)[], bytes: number): Buffer {
  const whole = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const part of parts) at += typeof part === 'string' ? whole.write(part, at, 'latin1') : part.copy(whole, at);
  return whole;
}
