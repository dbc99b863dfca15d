// One request from its socket to its answer: who asks, what is answered, and what becomes of errors.
import type { IncomingMessage } from 'node:http';
import type { Http2ServerRequest } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { logFor } from '../../base/run/log.ts';
import { ApiError, internalError } from '../../kube/meaning/api-error.ts';
import type { Api } from './api.ts';
import { answerRequest } from './handle.ts';
import { type Audited, type AuditLog, auditIdOf, auditLine } from './audit.ts';
import type { FairQueue } from './fairness/fair-queue.ts';
import { takeSeat } from './fairness/seats.ts';
import type { Authenticate } from './identity/authenticate.ts';
import { anonymous, type User } from './identity/user.ts';
import { impersonated } from './identity/impersonate.ts';
import type { Answer, ApiRequest } from './request.ts';
import { type Response, respond } from './respond.ts';
import { answerUpgrade } from './streams/upgrade.ts';
import type { Connection } from './streams/web-socket.ts';
import { errorAnswer } from './wire/answers.ts';

const log = logFor('apiserver');

export interface Context {
  api: Api;
  authenticate: Authenticate;
  closing: AbortSignal;
  fair: FairQueue;
  /** Absent: nothing is audited. */
  audit?: AuditLog;
}

type Incoming = IncomingMessage | Http2ServerRequest;

function requestFrom(incoming: Incoming, user: User, stop: AbortSignal): ApiRequest {
  const url = incoming.url ?? '/';
  const at = url.indexOf('?');
  const path = at === -1 ? url : url.slice(0, at);
  const query = new URLSearchParams(at === -1 ? '' : url.slice(at));
  return { method: incoming.method ?? 'GET', path, query, headers: incoming.headers, user, stop, warnings: [], incoming, auditId: auditIdOf(incoming.headers) };
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

/** A seat is held while the answer is made, not while a slow reader takes it. */
async function answerInTurn({ api, fair }: Context, request: ApiRequest): Promise<Answer> {
  const leave = await takeSeat(fair, request);
  try {
    return await answerRequest(api, request);
  } finally {
    leave();
  }
}

/** Puts the answer on the wire; a stream is counted, and told of when it begins, because it may last for hours. */
async function deliver(context: Context, response: Response, { request, answer, by, received }: { request: ApiRequest; answer: Answer; by: User; received: Date }): Promise<void> {
  if (!answer.stream) return respond(response, request, answer);
  const { metrics } = context.api;
  metrics.countWatches(1);
  tell(context, { id: request.auditId, request, by, code: answer.code, received, stage: 'ResponseStarted' });
  try {
    await respond(response, request, answer);
  } finally {
    metrics.countWatches(-1);
  }
}

/** Authenticates, answers, counts; every error becomes a Status. */
async function serve(context: Context, incoming: Incoming, response: Response): Promise<void> {
  const { api, authenticate, closing } = context;
  const started = performance.now();
  const received = api.now();
  const stop = stopSignal(response, closing);
  response.on('error', () => {});
  let request = requestFrom(incoming, anonymous, stop);
  let by = anonymous;
  let code = 500;
  try {
    by = await authenticate(socketOf(incoming), incoming.headers);
    request = { ...request, user: impersonated(by, incoming.headers, api.authorize) };
    const answer = await answerInTurn(context, request);
    code = answer.code;
    await deliver(context, response, { request, answer, by, received });
  } catch (error) {
    const refused = error instanceof ApiError ? error : bugError(error, request);
    code = refused.code;
    if (response.headersSent) response.destroy();
    else await respond(response, request, errorAnswer(refused));
  } finally {
    api.metrics.countRequest({ verb: request.method, resource: resourceLabel(request.path), code }, performance.now() - started);
    tell(context, { id: request.auditId, request, by, code, received, stage: 'ResponseComplete' });
  }
}

function tell({ api, audit }: Context, about: Omit<Audited, 'now'>): void {
  audit?.write(auditLine({ ...about, now: api.now() }));
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
async function upgrade(context: Context, incoming: IncomingMessage, connection: Connection): Promise<void> {
  const { api, authenticate, closing } = context;
  const { socket } = connection;
  socket.on('error', () => {});
  const received = api.now();
  const stop = stopSignal(socket, closing);
  let request = requestFrom(incoming, anonymous, stop);
  let by = anonymous;
  let code = 101;
  try {
    by = await authenticate(socket as TLSSocket, incoming.headers);
    request = { ...request, user: impersonated(by, incoming.headers, api.authorize) };
    await answerUpgrade(api, request, connection);
  } catch (error) {
    const answer = errorAnswer(error instanceof ApiError ? error : bugError(error, request));
    code = answer.code;
    socket.end(printRefusal(answer, request.auditId));
  } finally {
    tell(context, { id: request.auditId, request, by, code, received, stage: 'ResponseComplete' });
  }
}

function printRefusal({ code, headers, body }: Answer, auditId: string): string {
  const lines = Object.entries({ ...headers, 'audit-id': auditId, 'content-length': String(Buffer.byteLength(body ?? '')), connection: 'close' });
  return `HTTP/1.1 ${code} ${code}\r\n${lines.map(([name, value]) => `${name}: ${String(value)}\r\n`).join('')}\r\n${String(body)}`;
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
