// How a container is run: the one shape that stand-ins, built-in servers and real processes share.
import type { Container, Pod } from '../../../kube/objects/core.ts';
import type { Sockets } from '../../../base/run/sockets.ts';
import type { Netns } from '../../netlink/namespaces.ts';
import type { Sandbox } from '../pod-state.ts';

export interface ProgramExit {
  code: number;
  signal?: number;
  message?: string;
}

/** A container that runs. */
export interface RunningProgram {
  /** Resolves when it is over, however that came; never rejects. */
  readonly exited: Promise<ProgramExit>;
  /** Asks it to end (SIGTERM). Returns at once. */
  stop(): void;
  /** Ends it (SIGKILL). Returns at once. */
  kill(): void;
}

export interface Output {
  write(stream: 'stdout' | 'stderr', bytes: Uint8Array | string): void;
}

export interface ProgramContext {
  pod: Pod;
  container: Container;
  sandbox: Sandbox;
  nodeName: string;
  /** In order, later wins; already resolved. */
  environment: ReadonlyMap<string, string>;
  output: Output;
}

/** Rejects when the container cannot be started; the error's message goes to the pod's status. */
export type StartProgram = (context: ProgramContext) => Promise<RunningProgram>;

/** A server of the project itself, run as a pod: chosen by image name without registry and tag, e.g. `fairlead/dns`. */
export type BuiltinProgram = (context: BuiltinContext) => Promise<{ close(): Promise<void> }>;
export type BuiltinPrograms = ReadonlyMap<string, BuiltinProgram>;

export interface BuiltinContext {
  pod: Pod;
  container: Container;
  /** Of the pod's network. */
  sockets: Sockets;
  namespace: Netns;
  node: string;
  addresses: readonly string[];
  environment: ReadonlyMap<string, string>;
  log(line: string): void;
}

/** Thrown by StartProgram with the reason that the container's status shows: `ErrImagePull`, `CreateContainerConfigError`. */
export class CannotStart extends Error {
  readonly reason: string;
  /** Of the event: `Failed`, `FailedMount`. */
  readonly event: string;

  constructor(reason: string, message: string, event = 'Failed') {
    super(message);
    this.reason = reason;
    this.event = event;
  }
}
