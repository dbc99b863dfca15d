// pods/x/exec and pods/x/attach, over WebSocket or SPDY. The command is started before the protocol changes,
// so that a refusal is an ordinary answer.
import type { IncomingMessage } from 'node:http';
import { badRequest } from '../../../kube/meaning/api-error.ts';
import type { ExecOptions, ExecSession } from '../../../kube/meaning/pod-access.ts';
import type { Api } from '../api.ts';
import { type ApiRequest, isTrue } from '../request.ts';
import type { Target } from '../router.ts';
import { accessOf, seenPod } from './log.ts';
import { joinSession, type SessionStreams } from './session.ts';
import { type SpdyStream, SpdyConnection } from './spdy.ts';
import { acceptSpdy, wantsSpdy } from './spdy-upgrade.ts';
import { acceptWebSocket, type Connection, offeredProtocols } from './web-socket.ts';
import { channelProtocols, createChannels } from './web-socket-channels.ts';

function readExecOptions({ query }: ApiRequest): ExecOptions {
  const flag = (name: string) => isTrue(query.get(name));
  const options = {
    container: query.get('container') || undefined,
    command: query.getAll('command'),
    stdin: flag('stdin'),
    stdout: flag('stdout'),
    // A terminal has one output.
    stderr: flag('stderr') && !flag('tty'),
    tty: flag('tty'),
  };
  if (!options.stdin && !options.stdout && !options.stderr) throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  return options;
}

/** Resolves when the session is over. Throws ApiError before anything is written. */
export async function answerExec(api: Api, request: ApiRequest, { target, connection }: { target: Target; connection: Connection }): Promise<void> {
  const pod = seenPod(api, target);
  const options = readExecOptions(request);
  if (target.subresource === 'exec' && options.command.length === 0) throw badRequest('you must specify command for the container');
  const access = accessOf(api);
  const session = target.subresource === 'exec' ? await access.exec(pod, options) : await access.attach(pod, options);
  const gone = () => session.kill();
  request.stop.addEventListener('abort', gone, { once: true });
  try {
    await carrySession(request.incoming as IncomingMessage, connection, { session, options });
  } finally {
    request.stop.removeEventListener('abort', gone);
  }
}

interface Running {
  session: ExecSession;
  options: ExecOptions;
}

async function carrySession(incoming: IncomingMessage, connection: Connection, running: Running): Promise<void> {
  if (wantsSpdy(incoming)) return overSpdy(incoming, connection, running);
  const offered = offeredProtocols(incoming);
  const protocol = channelProtocols.find((name) => offered.includes(name));
  if (!protocol) {
    running.session.kill();
    throw badRequest(`unable to upgrade: none of the protocols ${offered.join(', ')} is served`);
  }
  return overWebSocket(incoming, connection, { ...running, protocol });
}

// The numbers of v4 and v5.channel.k8s.io.
const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 };

/** All channels are there at once. */
async function overWebSocket(incoming: IncomingMessage, connection: Connection, { session, options, protocol }: Running & { protocol: string }) {
  const socket = await acceptWebSocket(incoming, connection, protocol);
  const channels = createChannels(socket);
  const { stdin, stdout, stderr, tty, command } = options;
  const streams: SessionStreams = {
    error: channels.open(channel.error),
    ...(stdin && { stdin: channels.open(channel.stdin) }),
    ...(stdout && { stdout: channels.open(channel.stdout) }),
    ...(stderr && { stderr: channels.open(channel.stderr) }),
    ...(tty && { resize: channels.open(channel.resize) }),
  };
  await joinSession(session, streams, command);
  channels.close();
}

/** The client opens one stream a purpose; the session begins when the last of them is there. */
async function overSpdy(incoming: IncomingMessage, connection: Connection, { session, options }: Running): Promise<void> {
  const { stdin, stdout, stderr, tty, command } = options;
  const awaited = ['error', stdin && 'stdin', stdout && 'stdout', stderr && 'stderr', tty && 'resize'].filter((name) => name !== false);
  const raw = acceptSpdy(incoming, connection, ['v4.channel.k8s.io']);
  const opened = new Map<string, SpdyStream>();
  let spdy: SpdyConnection | undefined;
  await new Promise<void>((resolve) => {
    raw.once('close', resolve);
    spdy = new SpdyConnection(raw, (stream) => {
      opened.set(stream.headers.get('streamtype') ?? '', stream);
      if (awaited.every((name) => opened.has(name))) resolve();
    });
  });
  const error = opened.get('error');
  if (!error || raw.destroyed) return session.kill();
  const named = (name: string) => opened.get(name);
  await joinSession(session, { error, stdin: named('stdin'), stdout: named('stdout'), stderr: named('stderr'), resize: named('resize') }, command);
  // The client closes when it has read the end of every stream; a client that never does is not waited for.
  setTimeout(() => spdy?.close(), 10_000).unref();
}
