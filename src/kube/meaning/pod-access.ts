// What the API server needs from whoever runs a pod: its log, a command inside it, a connection to its port.
// node/pods implements it; main.ts hands it to the API server. Refusals are ApiErrors.
import type { Duplex, Readable, Writable } from 'node:stream';
import type { Pod } from '../objects/core.ts';

export interface LogOptions {
  /** Absent: the only container, else ApiError 400 naming the choices. */
  container?: string;
  follow?: boolean;
  tailLines?: number;
  sinceSeconds?: number;
  sinceTime?: string;
  timestamps?: boolean;
  previous?: boolean;
  limitBytes?: number;
}

export interface ExecOptions {
  container?: string;
  command: readonly string[];
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  tty: boolean;
}

export interface ExecSession {
  stdin?: Writable;
  stdout?: Readable;
  stderr?: Readable;
  /** Resolves once the process is gone and its output is drained; 128 + n after signal n. */
  exitCode: Promise<number>;
  resize(columns: number, rows: number): void;
  kill(): void;
}

export interface PodAccess {
  logs(pod: Pod, options: LogOptions, stop: AbortSignal): Promise<Readable>;
  exec(pod: Pod, options: ExecOptions): Promise<ExecSession>;
  attach(pod: Pod, options: Omit<ExecOptions, 'command'>): Promise<ExecSession>;
  /** A byte stream to 127.0.0.1:port inside the pod's network. */
  connect(pod: Pod, port: number): Promise<Duplex>;
}
