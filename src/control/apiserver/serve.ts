// One request from its socket to its answer: who asks, what is answered, and what becomes of errors.
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { logFor } from '../../base/run/log.ts';
import { ApiError, internalError } from '../../kube/meaning/api-error.ts';
import type { Api } from './api.ts';
import { answerRequest } from './handle.ts';
import { type Authenticate, anonymous, type User } from './identity/authenticate.ts';
import { impersonated } from './identity/impersonate.ts';
import type { ApiRequest } from './request.ts';
import { type Response, respond } from './respond.ts';
import { answerUpgrade } from './streams/upgrade.ts';
import type { Connection } from './streams/web-socket.ts';
import { errorAnswer } from './wire/answers.ts';

const log = logFor('apiserver');

export interface Context {
  api: Api;
  authenticate: Authenticate;
  closing: AbortSignal;
}

type Incoming = IncomingMessage | Http2ServerRequest;

function requestFrom(incoming: Incoming, user: User, stop: AbortSignal): ApiRequest {
  const url = incoming.url ?? '/';
  const at = url.indexOf('?');
  const path = at === -1 ? url : url.slice(0, at);
  const query = new URLSearchParams(at === -1 ? '' : url.slice(at));
  return { method: incoming.method ?? 'GET', path, query, headers: incoming.headers, user, stop, warnings: [], incoming };
}

/** The TLS socket below; over HTTP/2 many requests share one. */
const socketOf = (incoming: Incoming): TLSSocket =>
  ('stream' in incoming ? incoming.stream.session?.socket : incoming.socket) as TLSSocket;

/** `gone` aborts when the client leaves or the server closes. */
function stopSignal(emitter: { once(event: 'close', listener: () => void): unknown }, closing: AbortSignal) {
  const controller = new AbortController();
  const stop = () => controller.abort();
  if (closing.aborted) stop();
  closing.addEventListener('abort', stop, { once: true });
  emitter.once('close', () => {
    closing.removeEventListener('abort', stop);
    stop();
  });
  return controller.signal;
}

/** Authenticates, answers, counts; every error becomes a Status. */
async function serve({ api, authenticate, closing }: Context, incoming: Incoming, response: Response): Promise<void> {
  const started = performance.now();
  const stop = stopSignal(response, closing);
  response.on('error', () => {});
  let request = requestFrom(incoming, anonymous, stop);
  let code = 500;
  try {
    const user = await authenticate(socketOf(incoming), incoming.headers);
    request = { ...request, user: impersonated(user, incoming.headers, api.authorize) };
    const answer = await answerRequest(api, request);
    code = answer.code;
    if (answer.stream) api.metrics.countWatches(1);
    try {
      await respond(response, request, answer);
    } finally {
      if (answer.stream) api.metrics.countWatches(-1);
    }
  } catch (error) {
    const refused = error instanceof ApiError ? error : bugError(error, request);
    code = refused.code;
    if (response.headersSent) response.destroy();
    else await respond(response, request, errorAnswer(refused));
  } finally {
    api.metrics.countRequest({ verb: request.method, resource: resourceLabel(request.path), code }, performance.now() - started);
  }
}

function bugError(error: unknown, { method, path }: ApiRequest): ApiError {
  log.error({ err: error, method, path }, 'request failed');
  return internalError(error instanceof Error ? error.message : String(error));
}

/** Without names, so that their number cannot grow with the objects. */
function resourceLabel(path: string): string {
  const segments = path.split('/').slice(path.startsWith('/apis/') ? 4 : 3);
  if (!path.startsWith('/api')) return '';
  return (segments[0] === 'namespaces' && segments[2] ? segments[2] : segments[0]) ?? '';
}

/** Refusals are answered as HTTP while nothing has been written; after that the connection is the stream's. */
async function upgrade({ api, authenticate, closing }: Context, incoming: IncomingMessage, connection: Connection): Promise<void> {
  const { socket } = connection;
  socket.on('error', () => {});
  const stop = stopSignal(socket, closing);
  let request = requestFrom(incoming, anonymous, stop);
  try {
    const user = await authenticate(socket as TLSSocket, incoming.headers);
    request = { ...request, user: impersonated(user, incoming.headers, api.authorize) };
    await answerUpgrade(api, request, connection);
  } catch (error) {
    const { code, headers, body } = errorAnswer(error instanceof ApiError ? error : bugError(error, request));
    const lines = Object.entries({ ...headers, 'content-length': String(Buffer.byteLength(body ?? '')), connection: 'close' });
    socket.end(`HTTP/1.1 ${code} ${code}\r\n${lines.map(([name, value]) => `${name}: ${String(value)}\r\n`).join('')}\r\n${String(body)}`);
  }
}

/** Never throws: what cannot even be answered ends the connection. */
export function serveRequest(context: Context, incoming: Incoming, response: Response): void {
  serve(context, incoming, response).catch((error: unknown) => {
    log.error({ err: error }, 'answer failed');
    response.destroy();
  });
}

export function serveUpgrade(context: Context, incoming: IncomingMessage, connection: Connection): void {
  upgrade(context, incoming, connection).catch((error: unknown) => {
    log.error({ err: error }, 'upgrade failed');
    connection.socket.destroy();
  });
}
