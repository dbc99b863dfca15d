// Pipes for what a child prints. Node would give it Unix sockets, and then `echo x > /dev/stdout` fails (ENXIO), which
// programs in containers do all the time.
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { openPipe } from '../../netlink/ffi.ts';

export interface OutputPipes {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Give them to the child as descriptors 1 and 2, then call `handedOver`. */
  readonly farEnds: readonly [number, number];
  /** The child has its own copies now; with ours open the streams would never end. */
  handedOver(): void;
}

const reader = (fd: number): Readable => new Socket({ fd, readable: true, writable: false });

export function openOutputPipes(): OutputPipes {
  const [outNear, outFar] = openPipe();
  const [errNear, errFar] = openPipe();
  return {
    stdout: reader(outNear),
    stderr: reader(errNear),
    farEnds: [outFar, errFar],
    handedOver() {
      closeSync(outFar);
      closeSync(errFar);
    },
  };
}
