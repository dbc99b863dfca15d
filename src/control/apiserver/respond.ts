// Puts an answer on the wire, over HTTP/1.1 or HTTP/2 alike.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Answer, ApiRequest, Send } from './request.ts';

export type Response = ServerResponse | Http2ServerResponse;

/** Backslashes and quotes are escaped; anything a header cannot carry becomes a blank. */
const warningHeader = (text: string) => `299 - "${text.replaceAll(/[^\u0020-\u007e]/g, ' ').replaceAll(/["\\]/g, '\\$&')}"`;

function headersOf({ headers }: Answer, { warnings }: ApiRequest): Record<string, string | string[]> {
  const distinct = [...new Set(warnings)];
  return {
    'cache-control': 'no-cache, private',
    ...(distinct.length > 0 && { warning: distinct.map(warningHeader) }),
    ...headers,
  };
}

export async function respond(response: Response, request: ApiRequest, answer: Answer): Promise<void> {
  const headers = headersOf(answer, request);
  if (answer.stream) {
    writeHead(response, answer.code, headers);
    (response as ServerResponse).flushHeaders();
    await answer.stream(senderTo(response));
    response.end();
    return;
  }
  const body = answer.body ?? '';
  writeHead(response, answer.code, answer.code === 304 ? headers : { ...headers, 'content-length': String(Buffer.byteLength(body)) });
  if (request.method === 'HEAD' || answer.code === 304) response.end();
  else response.end(body);
}

const writeHead = (response: Response, code: number, headers: Record<string, string | string[]>) =>
  (response as ServerResponse).writeHead(code, headers);

const isGone = (response: Response) => response.destroyed || response.writableEnded;

/** Joins what is sent within one turn of the event loop into one write; waits while the reader is behind. */
export function senderTo(response: Response): Send {
  let corked = false;
  const uncork = () => {
    corked = false;
    (response as ServerResponse).uncork();
  };
  return async (chunk) => {
    if (isGone(response)) return;
    if (!corked) {
      corked = true;
      (response as ServerResponse).cork();
      setImmediate(uncork);
    }
    if ((response as ServerResponse).write(chunk) || isGone(response)) return;
    const settled = new AbortController();
    const { signal } = settled;
    try {
      await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })]);
    } catch {
      // The reader has gone: nothing more to wait for; the watch ends through its stop signal.
    } finally {
      settled.abort();
    }
  };
}
