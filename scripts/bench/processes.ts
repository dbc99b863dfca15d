// Programs that a bench measures: started on a core of their own, their CPU time and memory read from /proc, ended by id.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { text } from 'node:stream/consumers';

/** The measured server has core 0; whoever asks it, and whatever stands behind it, share core 1. */
export const SERVER_CORE = 0;
export const OTHER_CORE = 1;

const onCore = (core: number, command: readonly string[]): string[] =>
  availableParallelism() > core ? ['taskset', '-c', String(core), ...command] : [...command];

/** taskset becomes the program: the child's id is the server's. */
export function startOn(core: number, command: readonly string[]): ChildProcess {
  const [program = '', ...args] = onCore(core, command);
  return spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** A Node program that says by a message (its port) that it is ready. */
export async function startRole(core: number, file: string, args: readonly (string | number)[]): Promise<{ child: ChildProcess; said: number }> {
  const [program = '', ...rest] = onCore(core, [process.execPath, file, ...args.map(String)]);
  const child = spawn(program, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [said] = (await once(child, 'message')) as [number];
  return { child, said };
}

export async function stop(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}

/** What a program prints. Rejects when it fails or is missing. */
export async function printed(core: number, command: readonly string[]): Promise<string> {
  const [program = '', ...args] = onCore(core, command);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  if (code !== 0) throw new Error(`${command[0]} ended with ${code}`);
  return output;
}

/** User and system time of a process; the kernel counts in 10 ms ticks (proc(5)). */
export function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

export const childrenOf = (parent: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);

function parentOf(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[1]);
  } catch {
    // It ended between the listing and the look.
    return undefined;
  }
}

/** Tries until it succeeds; a program that is starting refuses for a while. */
export async function untilDone<T>(attempt: () => Promise<T>, everyMs: number, tries: number): Promise<T> {
  for (let left = tries; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }
}
