// Writes responses to an HTTP/1 client: framing and connection headers are made here, whatever the endpoint used.
import { type Answer, reasonOf } from '../request/answers.ts';
import { responseHeaders } from '../request/forward-headers.ts';
import { declaredLength } from '../http1/framing.ts';
import type { Header, RequestHead, ResponseHead } from '../http1/message.ts';
import type { Outbox } from '../http1/outbox.ts';

export interface ResponseWriter {
  /** 0 until a head was written. */
  readonly status: number;
  readonly sentBytes: number;
  interim(request: RequestHead, head: ResponseHead): void;
  /** Returns whether the connection must close to end this response. */
  head(request: RequestHead, head: ResponseHead, last: boolean): boolean;
  data(payload: Buffer): void;
  end(trailers: readonly Header[]): void;
  switched(head: ResponseHead, protocol: string): void;
  /** A whole response of our own; `request` is absent when its head could not be read. */
  answer(request: RequestHead | undefined, answer: Answer, last: boolean): void;
  /** The next response begins from nothing. */
  reset(): void;
}

export function createResponseWriter(out: Outbox): ResponseWriter {
  let status = 0;
  let sentBytes = 0;
  let chunked = false;
  return {
    get status() {
      return status;
    },
    get sentBytes() {
      return sentBytes;
    },
    interim(request, head) {
      if (request.minorVersion === 1) out.put(`${statusLine(head)}${headerText(responseHeaders(head))}\r\n`);
    },
    head(request, head, last) {
      const { type } = head.framing;
      status = head.status;
      chunked = request.minorVersion === 1 && (type === 'chunked' || type === 'until-close');
      const closes = last || (!chunked && (type === 'chunked' || type === 'until-close'));
      const framing = chunked ? 'Transfer-Encoding: chunked\r\n' : lengthLine(request, head);
      out.put(statusLine(head) + headerText(responseHeaders(head)) + framing + connectionLine(request, closes));
      return closes;
    },
    data(payload) {
      sentBytes += payload.length;
      if (chunked) out.put(`${payload.length.toString(16)}\r\n`);
      out.put(payload);
      if (chunked) out.put('\r\n');
    },
    end(trailers) {
      if (chunked) out.put(`0\r\n${headerText(trailers)}\r\n`);
    },
    switched(head, protocol) {
      status = head.status;
      out.put(`${statusLine(head)}${headerText(responseHeaders(head))}Connection: upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
    },
    answer(request, { status: code, headers, body }, last) {
      const own = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      const bytes = Buffer.from(body);
      status = code;
      out.put(`HTTP/1.1 ${code} ${reasonOf(code)}\r\n${own}Content-Length: ${bytes.length}\r\n${connectionLine(request, last)}`);
      if (request?.method === 'HEAD' || bytes.length === 0) return;
      sentBytes = bytes.length;
      out.put(bytes);
    },
    reset() {
      status = sentBytes = 0;
      chunked = false;
    },
  };
}

const statusLine = ({ status, reason }: ResponseHead): string => `HTTP/1.1 ${status} ${reason || reasonOf(status)}\r\n`;

function headerText(headers: readonly Header[]): string {
  let text = '';
  for (const { name, value } of headers) text += `${name}: ${value}\r\n`;
  return text;
}

function lengthLine({ method }: RequestHead, { framing, headers, status }: ResponseHead): string {
  if (framing.type === 'length') return `Content-Length: ${framing.bytes}\r\n`;
  // What a GET would have got is worth telling; elsewhere a length without a body would mislead.
  const length = framing.type === 'none' && (method === 'HEAD' || status === 304) ? declaredLength(headers) : undefined;
  return length === undefined ? '' : `Content-Length: ${length}\r\n`;
}

/** With the empty line that ends the head. HTTP/1.0 has to be told that the connection stays. */
function connectionLine(request: RequestHead | undefined, last: boolean): string {
  if (last) return 'Connection: close\r\n\r\n';
  return request?.minorVersion === 0 ? 'Connection: keep-alive\r\n\r\n' : '\r\n';
}
