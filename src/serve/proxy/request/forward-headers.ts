// The headers of a request on its way to an endpoint and of a response on its way to a client.
// What concerns one connection only stays behind (RFC 9110 section 7.6.1); what the endpoint must know of the client is added.
import { randomUUID } from 'node:crypto';
import { type Header, listOf, type ResponseHead } from '../http1/message.ts';
import type { Inbound } from './inbound.ts';

/** Framing is written anew on each side; Proxy would become a variable of CGI programs (CVE-2016-5385). */
const hopByHop = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'proxy-authorization', 'te', 'transfer-encoding', 'upgrade', 'http2-settings', 'content-length',
]);
const ownRequestHeaders = new Set(['host', 'expect', 'proxy', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port', 'x-real-ip', 'x-request-id']);

/** Names that the sender declared to be for this connection only. */
const connectionNames = (headers: readonly Header[]): readonly string[] => (headers.some(({ key }) => key === 'connection') ? listOf(headers, 'connection') : []);

/** Taken from the client when it is sane, else made here. */
export function requestIdOf(headers: readonly Header[]): string {
  const given = headers.find(({ key }) => key === 'x-request-id')?.value;
  return given && /^[\w.:/+=-]{1,128}$/.test(given) ? given : randomUUID().replaceAll('-', '');
}

/** Request line and headers for the endpoint, with the empty line. */
export function requestHeadText(request: Inbound, target: string, requestId: string, backend: string): string {
  const { head, client } = request;
  const dropped = connectionNames(head.headers);
  let forwardedFor = client.address;
  let text = '';
  for (const { name, key, value } of head.headers) {
    if (key === 'x-forwarded-for') forwardedFor = joinList(forwardedFor, value, client.address);
    if (!hopByHop.has(key) && !ownRequestHeaders.has(key) && !dropped.includes(key)) text += `${name}: ${value}\r\n`;
  }
  return (
    `${head.method} ${target} HTTP/1.1\r\nHost: ${head.authority || backend}\r\n${text}` +
    `X-Request-ID: ${requestId}\r\nX-Real-IP: ${client.address}\r\nX-Forwarded-For: ${forwardedFor}\r\n` +
    `X-Forwarded-Host: ${head.authority}\r\nX-Forwarded-Port: ${client.port}\r\nX-Forwarded-Proto: ${client.scheme}\r\n` +
    `${framingLine(head)}${head.upgrade ? `Connection: upgrade\r\nUpgrade: ${head.upgrade}\r\n` : ''}\r\n`
  );
}

/** Several X-Forwarded-For lines are one list; ours is the last member. */
const joinList = (list: string, value: string, own: string): string => (list === own ? `${value}, ${own}` : `${list.slice(0, -own.length)}${value}, ${own}`);

function framingLine({ framing }: Inbound['head']): string {
  if (framing.type === 'chunked') return 'Transfer-Encoding: chunked\r\n';
  return framing.type === 'length' ? `Content-Length: ${framing.bytes}\r\n` : '';
}

/** Headers of a response that may pass to the client; framing and connection are the front's own. */
export function responseHeaders(head: ResponseHead): Header[] {
  const dropped = connectionNames(head.headers);
  return head.headers.filter(({ key }) => !hopByHop.has(key) && !dropped.includes(key));
}

/** Trailers must not say what only a head may say (RFC 9110 section 6.5.1). */
export const forwardableTrailers = (trailers: readonly Header[]): readonly Header[] =>
  trailers.length === 0 ? trailers : trailers.filter(({ key }) => !hopByHop.has(key) && !ownRequestHeaders.has(key));
