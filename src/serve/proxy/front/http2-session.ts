// A client connection that speaks HTTP/2 (chosen by ALPN on TLS): each stream is one request, sent on as HTTP/1.1.
// The framing layer is Node's; what a request may look like is checked here again, by the HTTP/1 rules.
import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { answer, type Answer } from '../request/answers.ts';
import { responseHeaders } from '../request/forward-headers.ts';
import { hostOf, isAuthority, isMethod } from '../http1/head.ts';
import { badValuePattern, type Framing, type Header, namePattern, noBody, RefusedMessage, targetPattern } from '../http1/message.ts';
import type { ClientSide, Inbound } from '../request/inbound.ts';
import type { ClientConnection, ProxyContext } from '../proxy-context.ts';
import { type ServedRequest, serveRequest } from '../request/served-request.ts';
import { type Answering, Exchange } from '../upstream/exchange.ts';

const settings = { maxConcurrentStreams: 256, initialWindowSize: 256 * 1024, maxHeaderListSize: 64 * 1024 };

/** `onClose` is called once, when the session is gone. */
export function serveHttp2(socket: TLSSocket, client: ClientSide, context: ProxyContext, onClose: () => void): ClientConnection {
  const session: ServerHttp2Session = performServerHandshake(socket, { settings });
  session.setTimeout(context.timeouts.idleMs, () => session.close());
  session.on('stream', (stream, _headers, flags, rawHeaders) => serveStream(stream, { client, context, endsWithHead: (flags & 1) === 1, rawHeaders: rawHeaders as unknown as string[] }));
  session.on('error', () => session.destroy());
  session.on('close', onClose);
  return { listener: client.listener, drain: () => session.close(), destroy: () => session.destroy() };
}

interface StreamParts {
  readonly client: ClientSide;
  readonly context: ProxyContext;
  readonly endsWithHead: boolean;
  readonly rawHeaders: readonly string[];
}

function serveStream(stream: ServerHttp2Stream, parts: StreamParts): void {
  stream.on('error', () => stream.close());
  const head = headOf(parts);
  if (!head) {
    parts.context.metrics.refused(400);
    return sendAnswer(stream, answer(400), false);
  }
  const answering = createAnswering(stream, head.method === 'HEAD');
  const served = serveRequest(parts.context, { head, client: parts.client }, 'HTTP/2', answering);
  const { next } = served;
  answering.attach(served);
  if (!(next instanceof Exchange)) {
    sendAnswer(stream, next, head.method === 'HEAD');
    return served.finished(next.status, next.body.length);
  }
  stream.on('close', () => next.abort());
  receiveBody(stream, next, { answering, maxBytes: parts.context.maxBodyBytes });
  next.start();
}

function receiveBody(stream: ServerHttp2Stream, exchange: Exchange, { answering, maxBytes }: { answering: StreamAnswering; maxBytes: number }): void {
  let bytes = 0;
  let trailers: Header[] = [];
  stream.on('data', (payload: Buffer) => {
    bytes += payload.length;
    if (bytes > maxBytes) return answering.refuse(413, exchange);
    exchange.write(payload);
    if (!exchange.flush()) stream.pause();
  });
  stream.on('trailers', (_headers, _flags, raw) => (trailers = pairsOf(raw as unknown as string[]).filter(isForwardable)));
  stream.on('end', () => exchange.end(trailers));
}

/** undefined: not a request that may be written as HTTP/1. */
function headOf({ rawHeaders, endsWithHead }: StreamParts): Inbound['head'] | undefined {
  const pairs = pairsOf(rawHeaders);
  const pseudo = (name: string) => pairs.find(({ key }) => key === name)?.value;
  const headers = joinCookies(pairs.filter(({ key }) => !key.startsWith(':')));
  const method = pseudo(':method') ?? '';
  const target = pseudo(':path') ?? '';
  const authority = pseudo(':authority') ?? headers.find(({ key }) => key === 'host')?.value ?? '';
  const sound = isMethod(method) && method !== 'CONNECT' && isTarget(target, method) && isAuthority(authority) && headers.every(isForwardable);
  return sound ? { method, target, headers, framing: framingOf(headers, endsWithHead), authority, host: hostOf(authority) } : undefined;
}

const isTarget = (target: string, method: string): boolean => targetPattern.test(target) && (target.startsWith('/') || (target === '*' && method === 'OPTIONS'));

const isForwardable = ({ key, value }: Header): boolean => namePattern.test(key) && !badValuePattern.test(value);

function pairsOf(raw: readonly string[]): Header[] {
  const pairs: Header[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) pairs.push({ name: raw[i]!, key: raw[i]!, value: raw[i + 1]! });
  return pairs;
}

/** HTTP/2 may split a Cookie; HTTP/1 must not (RFC 9113 section 8.2.3). */
function joinCookies(headers: readonly Header[]): Header[] {
  const cookies = headers.filter(({ key }) => key === 'cookie');
  if (cookies.length < 2) return [...headers];
  const cookie = { name: 'cookie', key: 'cookie', value: cookies.map(({ value }) => value).join('; ') };
  return [...headers.filter(({ key }) => key !== 'cookie'), cookie];
}

/** Node's HTTP/2 already refuses a body that does not fit its content-length. */
function framingOf(headers: readonly Header[], endsWithHead: boolean): Framing {
  const length = headers.filter(({ key }) => key === 'content-length');
  if (endsWithHead) return length.length === 1 && length[0]!.value === '0' ? { type: 'length', bytes: 0 } : noBody;
  return length.length === 1 && /^\d{1,15}$/.test(length[0]!.value) ? { type: 'length', bytes: Number(length[0]!.value) } : { type: 'chunked' };
}

interface StreamAnswering extends Answering {
  attach(served: ServedRequest): void;
  refuse(status: number, exchange: Exchange): void;
}

function createAnswering(stream: ServerHttp2Stream, headOnly: boolean): StreamAnswering {
  let served: ServedRequest | undefined;
  let status = 0;
  let sentBytes = 0;
  let flowing = true;
  const finish = (code: number, error?: string) => {
    served?.finished(code, sentBytes, error);
    served = undefined;
  };
  stream.on('drain', () => {
    flowing = true;
    if (served?.next instanceof Exchange) served.next.resume();
  });
  stream.on('close', () => finish(status || 499));
  const refuse = (code: number, error?: string) => {
    finish(code, error);
    sendAnswer(stream, answer(code), headOnly);
  };
  const attempt = (send: () => void) => {
    if (!alive(stream)) return;
    try {
      send();
    } catch (error) {
      // Node refuses what HTTP/2 forbids, such as two Content-Types: the endpoint's fault, told like any other.
      throw new RefusedMessage(502, String(error));
    }
  };
  return {
    attach: (made) => (served = made),
    refuse(code, exchange) {
      exchange.abort();
      if (status === 0) refuse(code);
      else stream.close();
    },
    interim: (head) => attempt(() => stream.additionalHeaders({ ':status': head.status, ...headerRecord(responseHeaders(head)) })),
    head(head) {
      const length = head.framing.type === 'length' ? { 'content-length': head.framing.bytes } : {};
      const headers = { ':status': head.status, ...headerRecord(responseHeaders(head)), ...length };
      attempt(() => stream.respond(headers, { waitForTrailers: head.framing.type === 'chunked' }));
      status = head.status;
    },
    data(payload) {
      sentBytes += payload.length;
      if (alive(stream)) flowing = stream.write(payload);
    },
    flush: () => flowing || !alive(stream),
    end(trailers) {
      stream.once('wantTrailers', () => sendTrailers(stream, trailers));
      if (alive(stream)) stream.end();
      finish(status);
    },
    // An HTTP/2 request is never sent on with an Upgrade, and the exchange refuses one unasked.
    switched: (_head, upstream) => upstream.destroy(),
    failed(code, reason, answered) {
      if (!answered) return refuse(code, reason);
      finish(status, reason);
      stream.close();
    },
    drained: () => void stream.resume(),
  };
}

const alive = (stream: ServerHttp2Stream): boolean => !stream.destroyed && !stream.closed;

function sendAnswer(stream: ServerHttp2Stream, { status, headers, body }: Answer, headOnly: boolean): void {
  if (!alive(stream)) return;
  stream.respond({ ':status': status, ...Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value])), 'content-length': Buffer.byteLength(body) });
  stream.end(headOnly ? undefined : body);
  stream.resume();
}

function sendTrailers(stream: ServerHttp2Stream, trailers: readonly Header[]): void {
  try {
    stream.sendTrailers(headerRecord(trailers));
  } catch {
    // The body is complete; trailers that HTTP/2 forbids are the only loss, and the stream must still end.
    stream.sendTrailers({});
  }
}

/** Repeated names become a list, which Node writes as repeated lines. */
function headerRecord(headers: readonly Header[]): Record<string, string | string[]> {
  const record: Record<string, string | string[]> = {};
  for (const { key, value } of headers) {
    const before = record[key];
    record[key] = before === undefined ? value : typeof before === 'string' ? [before, value] : [...before, value];
  }
  return record;
}
