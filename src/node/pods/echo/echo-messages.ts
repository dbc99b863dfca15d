// What the program and its echo worker say to each other.
import type { Netns } from '../../netlink/namespaces.ts';
import type { EchoIdentity } from './echo-answer.ts';
import type { EchoPort } from './echo-server.ts';

export type ToEcho =
  | { say: 'open'; id: number; identity: EchoIdentity; ports: readonly EchoPort[]; namespace: Netns }
  | { say: 'close'; id: number }
  | { say: 'destroy'; id: number };

export type FromEcho =
  | { say: 'opened'; id: number }
  | { say: 'failed'; id: number; message: string }
  | { say: 'closed'; id: number }
  /** In order; gathered over one turn of the worker's event loop. */
  | { say: 'log'; lines: readonly [id: number, line: string][] };
