// A command in a container's room, with its streams: what exec sessions, exec probes and hooks are made of.
import { type ChildProcess, spawn } from 'node:child_process';
import type { ExecOptions, ExecSession } from '../../../kube/meaning/pod-access.ts';
import type { CommandResult } from '../pod-host.ts';
import { openOutputPipes } from '../programs/output-pipes.ts';
import { ended, enterRoom, exitOf, type Room } from '../programs/room.ts';
import { Terminal, withTerminal } from '../programs/terminal.ts';

type Environment = ReadonlyMap<string, string>;
const mostOutput = 10_240;

/** The whole group, because a shell's children are not the shell. */
function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It is over already.
  }
}

export function execOnTerminal(room: Room, environment: Environment, command: readonly string[]): ExecSession {
  const terminal = new Terminal();
  const withTerm = new Map([['TERM', 'xterm'], ...environment]);
  const [file, ...args] = enterRoom(room, withTerm, withTerminal(command));
  const child = spawn(file!, args, { stdio: [...terminal.farEnds], detached: true, cwd: '/' });
  terminal.handedOver();
  const exitCode = exitOf(child).then(({ code }) => code).finally(() => terminal.close());
  return {
    stdin: terminal.input,
    stdout: terminal.output,
    exitCode,
    resize: (columns, rows) => terminal.resize(columns, rows),
    kill: () => killGroup(child),
  };
}

export function execOnPipes(room: Room, environment: Environment, options: ExecOptions): ExecSession {
  const [file, ...args] = enterRoom(room, environment, options.command);
  const { stdout, stderr, farEnds, handedOver } = openOutputPipes();
  const child = spawn(file!, args, { stdio: [options.stdin ? 'pipe' : 'ignore', ...farEnds], detached: true, cwd: '/' });
  handedOver();
  // A command that ends before it has read all its input is no error of ours.
  child.stdin?.on('error', () => {});
  const exitCode = Promise.all([exitOf(child), ended(stdout), ended(stderr)]).then(([{ code }]) => code);
  return { ...(child.stdin && { stdin: child.stdin }), stdout, stderr, exitCode, resize: () => {}, kill: () => killGroup(child) };
}

/** A command with everything it printed, for probes and hooks. */
export async function runInRoom(room: Room, environment: Environment, command: readonly string[]): Promise<CommandResult> {
  const session = execOnPipes(room, environment, { command, stdin: false, stdout: true, stderr: true, tty: false });
  let output = '';
  const listen = (chunk: Buffer) => {
    output = `${output}${chunk.toString()}`.slice(0, mostOutput);
  };
  for (const stream of [session.stdout, session.stderr]) stream?.on('data', listen);
  return { code: await session.exitCode, output };
}

