// What a running container prints from now on, and its standard input where it has one (`kubectl attach`, `run -it`).
import { PassThrough, type Readable } from 'node:stream';
import type { ExecSession } from '../../../kube/meaning/pod-access.ts';
import type { ContainerLife } from '../container-life.ts';
import { printLine } from '../container-log.ts';
import type { Console } from '../programs/programs.ts';

function followStream(from: Readable | null | undefined, to: PassThrough): () => void {
  const listener = (chunk: Buffer) => void to.write(chunk);
  from?.on('data', listener);
  return () => from?.off('data', listener);
}

/** A stand-in has no streams of its own: its log is what it prints. */
function followOutput(life: ContainerLife, { room, terminal }: Console, to: PassThrough): () => void {
  if (!room) return life.log.follow((line) => line && to.write(printLine(line)));
  return followStream(terminal?.output ?? room.stdout, to);
}

/** Leaving does not end the container; its exit ends the session. */
export function attachTo(life: ContainerLife, console: Console): ExecSession {
  const { room, terminal } = console;
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const unfollow = [followOutput(life, console, stdout), followStream(room?.stderr, stderr)];
  const leave = () => {
    for (const stop of unfollow) stop();
    stdout.end();
    stderr.end();
  };
  const input = terminal?.input ?? room?.process.stdin;
  const exitCode = life.over.then((code) => {
    leave();
    return code;
  });
  return { ...(input && { stdin: input }), stdout, stderr, exitCode, resize: (columns, rows) => terminal?.resize(columns, rows), kill: leave };
}
