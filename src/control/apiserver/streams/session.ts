// A command in a pod joined to the client's streams, whatever carries them, and how it ended told as a Status.
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { ExecSession } from '../../../kube/meaning/pod-access.ts';

export interface SessionStreams {
  stdin?: Readable;
  stdout?: Writable;
  stderr?: Writable;
  /** `{"Width":80,"Height":24}` for each change of the terminal. */
  resize?: Readable;
  /** Takes the Status at the end. */
  error: Writable;
}

/** Resolves once the command has ended and its output and end are written. */
export async function joinSession(session: ExecSession, streams: SessionStreams, command: readonly string[]): Promise<void> {
  const { stdin, stdout, stderr, resize, error } = streams;
  if (stdin && session.stdin) {
    // A command that does not read its input must not end the session.
    session.stdin.on('error', () => {});
    stdin.pipe(session.stdin);
  }
  resize?.on('data', (chunk: Buffer) => applySize(session, chunk));
  const outputs = [carry(session.stdout, stdout), carry(session.stderr, stderr)];
  const exitCode = await session.exitCode;
  await Promise.all(outputs);
  await finish(error, exitStatus(exitCode, command));
}

function applySize(session: ExecSession, chunk: Buffer): void {
  try {
    const { Width = 0, Height = 0 } = JSON.parse(chunk.toString()) as { Width?: number; Height?: number };
    if (Width > 0 && Height > 0) session.resize(Width, Height);
  } catch {
    // Not a size: the terminal keeps the one it has.
  }
}

async function carry(from: Readable | undefined, to: Writable | undefined): Promise<void> {
  if (!from) return;
  if (!to || to.destroyed) {
    from.resume();
    return;
  }
  from.pipe(to);
  // The client may leave before the output ends.
  await Promise.race([once(to, 'finish').catch(() => {}), once(to, 'close').catch(() => {})]);
}

/** kubectl takes its own exit code from the cause. */
function exitStatus(exitCode: number, command: readonly string[]): object {
  if (exitCode === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: error executing command [${command.join(' ')}], exit code ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  };
}

async function finish(error: Writable, status: object): Promise<void> {
  if (error.destroyed) return;
  error.end(JSON.stringify(status));
  await Promise.race([once(error, 'finish').catch(() => {}), once(error, 'close').catch(() => {})]);
}
