// The room a container's processes live in: mount, UTS, IPC and PID namespaces of its own, inside the pod's network.
// The first process of a room is the container's command, or, where a stand-in runs, a sleeper that holds the room open
// for `kubectl exec`. When this program dies, however it dies, the kernel kills the room (PR_SET_PDEATHSIG).
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { membersFile } from '../../bpf/cgroups.ts';
import type { Netns } from '../../netlink/namespaces.ts';
import type { ProgramExit } from './program.ts';
import { openOutputPipes } from './output-pipes.ts';
import { pathInRoot, roomScript } from './room-script.ts';

export interface RoomFile {
  how: 'copy' | 'bind' | 'bind-ro';
  source: string;
  /** As the container names it. */
  target: string;
}

export interface RoomPlan {
  network: Netns;
  /** Control group of the node's processes; absent: that of this program. */
  cgroup?: string;
  /** An empty folder, only to mount on. */
  base: string;
  /** The image's folder; `/` for the machine's own root. */
  root: string;
  /** Empty: the machine's own. */
  hostname: string;
  workingDir: string;
  files: readonly RoomFile[];
  environment: ReadonlyMap<string, string>;
  command: readonly string[];
  stdin: boolean;
  /** Descriptors 0, 1, 2 of the command instead of pipes. */
  terminal?: readonly [number, number, number];
}

export interface Room {
  readonly process: ChildProcess;
  readonly cgroup?: string;
  /** Absent where the plan gave descriptors of its own. */
  readonly stdout?: Readable;
  readonly stderr?: Readable;
  readonly exited: Promise<ProgramExit>;
  /** Sends SIGTERM to the command; like every first process of a PID namespace it may ignore it. */
  terminate(): void;
  kill(): void;
}

/** It joins the group, then becomes the command. A group that is gone is no reason not to run. */
const joinThen = (cgroup: string | undefined, command: string[]): string[] =>
  cgroup === undefined ? command : ['sh', '-c', '{ echo 0 > "$0"; } 2>/dev/null; exec "$@"', membersFile(cgroup), ...command];

/** `env -i` takes these; later ones win. */
export const environmentArguments = (environment: ReadonlyMap<string, string>): string[] =>
  [...environment].map(([name, value]) => `${name}=${value}`);

export function exitOf(process: ChildProcess): Promise<ProgramExit> {
  return new Promise((resolve) => {
    process.once('error', (error) => resolve({ code: 127, message: error.message }));
    process.once('exit', (code, signal) => {
      const number = signal === null ? undefined : constants.signals[signal];
      resolve(number === undefined ? { code: code ?? 1 } : { code: 128 + number, signal: number });
    });
  });
}

const isolate = ['--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child', '--propagation', 'private'];

function roomCommand(plan: RoomPlan): string[] {
  const files = plan.files.flatMap(({ how, source, target }) => [how, source, pathInRoot(plan.root, target)]);
  const script = [roomScript, 'room', plan.base, plan.root, plan.hostname, plan.workingDir, ...files, '--'];
  const command = [...environmentArguments(plan.environment), ...plan.command];
  return joinThen(plan.cgroup, ['setpriv', '--pdeathsig', 'KILL', 'nsenter', `--net=${plan.network.path}`, 'unshare', ...isolate, 'sh', '-c', ...script, ...command]);
}

/** Resolves when the command is about to begin. Rejects, with what the set-up said, when the room cannot be made. */
export async function openRoom(plan: RoomPlan): Promise<Room> {
  const pipes = plan.terminal ? undefined : openOutputPipes();
  const [stdin, out, err] = plan.terminal ?? [plan.stdin ? ('pipe' as const) : ('ignore' as const), ...pipes!.farEnds];
  const [file, ...words] = roomCommand(plan);
  const child = spawn(file!, words, { stdio: [stdin, out, err, 'pipe'], cwd: '/' });
  pipes?.handedOver();
  const exited = exitOf(child);
  await untilBegun(child.stdio[3] as Readable, exited, pipes?.stderr);
  const room = { process: child, exited, ...(plan.cgroup !== undefined && { cgroup: plan.cgroup }), terminate: () => terminate(child), kill: () => void child.kill('SIGKILL') };
  return pipes ? { ...room, stdout: pipes.stdout, stderr: pipes.stderr } : room;
}

async function untilBegun(signal: Readable, exited: Promise<unknown>, stderr: Readable | undefined): Promise<void> {
  const words: Buffer[] = [];
  const listen = (chunk: Buffer) => void words.push(chunk);
  stderr?.on('data', listen);
  const begun = await Promise.race([firstChunk(signal), exited.then(() => false)]);
  // Nothing is lost between here and the caller's own listener: what the command prints comes with a later event.
  stderr?.off('data', listen);
  if (begun) return;
  stderr?.on('data', listen);
  await ended(stderr);
  throw new Error(`the container's room could not be made: ${Buffer.concat(words).toString().trim() || 'no words'}`);
}

/** When everything that was printed has been read. */
export const ended = (stream: Readable | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (!stream || stream.readableEnded || stream.destroyed) return resolve();
    stream.once('close', () => resolve());
    stream.once('end', () => resolve());
  });

const firstChunk = (stream: Readable) =>
  new Promise<boolean>((resolve) => {
    stream.once('data', () => resolve(true));
    // Without `ready` the descriptor closes with the process, and `exited` is the answer.
    stream.once('error', () => {});
  });

/** The process that we started only waits for the one inside; that one must hear the signal. */
function terminate(child: ChildProcess): void {
  for (const pid of childrenOf(child.pid)) {
    try {
      process.kill(pid, 'SIGTERM');
    } catch {
      // It ended in this very moment.
    }
  }
}

function childrenOf(pid: number | undefined): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    // Gone already.
    return [];
  }
}

/** The command line that runs another command in the room, to be spawned by the caller. */
export function enterRoom(room: Room, environment: ReadonlyMap<string, string>, command: readonly string[]): string[] {
  const pid = String(room.process.pid);
  const into = ['--target', pid, '--mount', '--uts', '--ipc', '--net', `--pid=/proc/${pid}/ns/pid_for_children`];
  return joinThen(room.cgroup, ['setpriv', '--pdeathsig', 'KILL', 'nsenter', ...into, 'env', '-i', ...environmentArguments(environment), ...command]);
}
