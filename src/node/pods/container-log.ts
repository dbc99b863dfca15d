// What a container printed: a file of stamped lines in the CRI form (`2024-01-01T00:00:00.000000000Z stdout F text`).
// Bounded: at `maxBytes` the file becomes `.1` (replacing an older one) and a new one begins.
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LogOptions } from '../../kube/meaning/pod-access.ts';
import type { Clock } from '../../base/run/clock.ts';
import type { Output } from './programs/program.ts';

type Stream = 'stdout' | 'stderr';

export interface LogLine {
  time: string;
  stream: Stream;
  text: string;
}

const longestLine = 16 * 1024;

export class ContainerLog implements Output {
  readonly file: string;
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #readers = new Set<(line: LogLine | undefined) => void>();
  readonly #begun: Record<Stream, string> = { stdout: '', stderr: '' };
  #fd: number | undefined;
  #size = 0;
  #closed = false;

  constructor(file: string, clock: Clock, maxBytes = 5 * 1024 * 1024) {
    this.file = file;
    this.#clock = clock;
    this.#maxBytes = maxBytes;
    // A container of the same pod and count, under an earlier life of the program, wrote here before.
    for (const old of [file, `${file}.1`]) rmSync(old, { force: true });
  }

  write(stream: Stream, bytes: Uint8Array | string): void {
    const text = this.#begun[stream] + (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8'));
    const lines = text.split('\n');
    this.#begun[stream] = lines.pop()!;
    if (this.#begun[stream].length > longestLine) lines.push(this.#take(stream));
    if (lines.length > 0 && !this.#closed) this.#append(lines.map((line) => ({ time: this.#stamp(), stream, text: line })));
  }

  /** The container is over: what it began is ended, readers that follow are told. */
  close(): void {
    for (const stream of ['stdout', 'stderr'] as const) if (this.#begun[stream] !== '') this.write(stream, '\n');
    this.#closed = true;
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    for (const reader of this.#readers) reader(undefined);
    this.#readers.clear();
  }

  lines(): LogLine[] {
    return [`${this.file}.1`, this.file].flatMap(readLines);
  }

  /** Every later line, then undefined at the end (at once when it is over). Returns how to stop listening. */
  follow(reader: (line: LogLine | undefined) => void): () => void {
    if (this.#closed) reader(undefined);
    else this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }

  #take(stream: Stream): string {
    const text = this.#begun[stream];
    this.#begun[stream] = '';
    return text;
  }

  /** Nine digits, as the CRI form has; the clock knows three of them. */
  #stamp(): string {
    return this.#clock.now().toISOString().replace('Z', '000000Z');
  }

  #append(lines: readonly LogLine[]): void {
    const bytes = Buffer.from(lines.map(({ time, stream, text }) => `${time} ${stream} F ${text}\n`).join(''));
    if (this.#size > 0 && this.#size + bytes.length > this.#maxBytes) this.#rotate();
    if (this.#fd === undefined) mkdirSync(dirname(this.file), { recursive: true });
    this.#fd ??= openSync(this.file, 'a');
    writeSync(this.#fd, bytes);
    this.#size += bytes.length;
    for (const reader of this.#readers) for (const line of lines) reader(line);
  }

  #rotate(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#size = 0;
    renameSync(this.file, `${this.file}.1`);
  }
}

function readLines(file: string): LogLine[] {
  let content: string;
  try {
    content = readFileSync(file, 'utf8');
  } catch {
    // Nothing printed yet, or nothing rotated away yet.
    return [];
  }
  return content.split('\n').slice(0, -1).map(parseLine);
}

function parseLine(line: string): LogLine {
  const [time = '', stream = 'stdout'] = line.split(' ', 2);
  return { time, stream: stream as Stream, text: line.slice(time.length + stream.length + 4) };
}

/** The lines that `kubectl logs` asked for. Pure. */
export function selectLines(lines: readonly LogLine[], options: LogOptions, now: Date): LogLine[] {
  const { sinceSeconds, sinceTime, tailLines } = options;
  const sinceMs = sinceTime ? Date.parse(sinceTime) : sinceSeconds === undefined ? undefined : now.getTime() - sinceSeconds * 1000;
  const recent = sinceMs === undefined ? lines : lines.filter(({ time }) => Date.parse(time) >= sinceMs);
  return tailLines === undefined ? [...recent] : recent.slice(Math.max(0, recent.length - tailLines));
}

export const printLine = ({ time, text }: LogLine, timestamps = false): string => (timestamps ? `${time} ${text}\n` : `${text}\n`);
