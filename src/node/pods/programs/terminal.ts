// A pseudo-terminal for `kubectl exec -it` and containers with `tty: true`: the near end is a stream of ours,
// the far end is given to a child as its descriptors. No fork in this process is needed for it (pts(4), ioctl_tty(2)).
import { closeSync, constants, openSync } from 'node:fs';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { controlDevice } from '../../netlink/ffi.ts';

const UNLOCK = 0x40045431;
const GET_NUMBER = 0x80045430;
const SET_SIZE = 0x5414;

export class Terminal {
  /** Give them to the child as descriptors 0, 1 and 2, then call `handedOver`. */
  readonly farEnds: readonly [number, number, number];
  /** Ends when the last process has closed the far end. */
  readonly output: Readable;
  readonly #near: ReadStream;
  readonly #nearFd: number;

  constructor() {
    this.#nearFd = openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY);
    controlDevice(this.#nearFd, UNLOCK, Buffer.alloc(4));
    const number = Buffer.alloc(4);
    controlDevice(this.#nearFd, GET_NUMBER, number);
    const far = openSync(`/dev/pts/${number.readUInt32LE()}`, constants.O_RDWR | constants.O_NOCTTY);
    this.farEnds = [far, far, far];
    this.#near = new ReadStream(this.#nearFd);
    const output = new PassThrough();
    this.#near.pipe(output);
    // Linux answers EIO, not end of file, once nobody holds the far end.
    this.#near.on('error', () => output.end());
    this.#near.on('close', () => output.end());
    this.output = output;
  }

  get input(): Writable {
    return this.#near;
  }

  /** The child has its own copies now; with ours open the output would never end. */
  handedOver(): void {
    closeSync(this.farEnds[0]);
  }

  resize(columns: number, rows: number): void {
    if (this.#near.destroyed) return;
    const size = Buffer.alloc(8);
    size.writeUInt16LE(rows);
    size.writeUInt16LE(columns, 2);
    controlDevice(this.#nearFd, SET_SIZE, size);
  }

  close(): void {
    this.#near.destroy();
  }
}

/** Makes the command the leader of a session that has the terminal: without this, Ctrl-C reaches nobody. */
export const withTerminal = (command: readonly string[]): string[] => ['setsid', '--ctty', ...command];
