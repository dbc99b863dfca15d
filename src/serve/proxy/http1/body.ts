// Takes the payload of one body out of the bytes of a connection and says where the body ends.
// Payload is passed on in slices as it comes; only an unfinished chunk-size or trailer line is ever kept.
import { parseHeaderLine } from './head.ts';
import { badValuePattern, type Framing, type Header, RefusedMessage } from './message.ts';

export interface BodyReader {
  readonly done: boolean;
  /** Of a chunked body; complete when done. */
  readonly trailers: readonly Header[];
  /** Reads from `at` on and returns the position after what belongs to the body. Throws RefusedMessage. */
  read(bytes: Buffer, at: number, take: (payload: Buffer) => void): number;
  /** The sender closed its side: is the body complete? */
  closed(): boolean;
}

const noTrailers: readonly Header[] = [];
const empty: BodyReader = { done: true, trailers: noTrailers, read: (_bytes, at) => at, closed: () => true };

export function createBodyReader(framing: Framing): BodyReader {
  if (framing.type === 'chunked') return chunkedReader();
  if (framing.type === 'length') return framing.bytes === 0 ? empty : lengthReader(framing.bytes);
  return framing.type === 'none' ? empty : untilCloseReader();
}

function lengthReader(length: number): BodyReader {
  let left = length;
  return {
    get done() {
      return left === 0;
    },
    trailers: noTrailers,
    read(bytes, at, take) {
      const end = Math.min(bytes.length, at + left);
      left -= end - at;
      if (end > at) take(bytes.subarray(at, end));
      return end;
    },
    closed: () => left === 0,
  };
}

function untilCloseReader(): BodyReader {
  let closed = false;
  return {
    get done() {
      return closed;
    },
    trailers: noTrailers,
    read(bytes, at, take) {
      if (bytes.length > at) take(bytes.subarray(at));
      return bytes.length;
    },
    closed: () => (closed = true),
  };
}

const longestLine = 4096;
const longestTrailers = 16 * 1024;

interface ChunkedState {
  expect: 'size' | 'data' | 'data-end' | 'trailer' | 'nothing';
  /** Payload bytes of this chunk still to come. */
  left: number;
  line: string;
  trailerBytes: number;
  readonly trailers: Header[];
}

function chunkedReader(): BodyReader {
  const state: ChunkedState = { expect: 'size', left: 0, line: '', trailerBytes: 0, trailers: [] };
  return {
    get done() {
      return state.expect === 'nothing';
    },
    trailers: state.trailers,
    read(bytes, from, take) {
      let at = from;
      while (at < bytes.length && state.expect !== 'nothing') at = state.expect === 'data' ? takeData(state, bytes, at, take) : takeLine(state, bytes, at);
      return at;
    },
    closed: () => state.expect === 'nothing',
  };
}

function takeData(state: ChunkedState, bytes: Buffer, at: number, take: (payload: Buffer) => void): number {
  const end = Math.min(bytes.length, at + state.left);
  state.left -= end - at;
  take(bytes.subarray(at, end));
  if (state.left === 0) state.expect = 'data-end';
  return end;
}

/** Collects up to LF; a line ends in CR LF and nothing else. */
function takeLine(state: ChunkedState, bytes: Buffer, at: number): number {
  const lf = bytes.indexOf(10, at);
  const end = lf < 0 ? bytes.length : lf + 1;
  if (state.line.length + end - at > longestLine) throw new RefusedMessage(400, 'chunk line is too long');
  state.line += bytes.toString('latin1', at, end);
  if (lf < 0) return end;
  if (!state.line.endsWith('\r\n')) throw new RefusedMessage(400, 'a chunk line ends without carriage return');
  const line = state.line.slice(0, -2);
  state.line = '';
  endLine(state, line);
  return end;
}

function endLine(state: ChunkedState, line: string): void {
  if (state.expect === 'size') {
    state.left = chunkSize(line);
    state.expect = state.left > 0 ? 'data' : 'trailer';
  } else if (state.expect === 'data-end') {
    if (line !== '') throw new RefusedMessage(400, 'chunk is longer than its size');
    state.expect = 'size';
  } else if (line === '') {
    state.expect = 'nothing';
  } else {
    state.trailerBytes += line.length;
    if (state.trailerBytes > longestTrailers) throw new RefusedMessage(431, 'trailers are too long');
    state.trailers.push(parseHeaderLine(line));
  }
}

/** Extensions are read past and never forwarded: the proxy makes its own chunks. */
function chunkSize(line: string): number {
  const found = /^([0-9A-Fa-f]{1,12})(;.*)?$/.exec(line);
  if (!found || badValuePattern.test(line)) throw new RefusedMessage(400, 'chunk size is malformed');
  return Number.parseInt(found[1]!, 16);
}
