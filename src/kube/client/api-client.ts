// A small client of any Kubernetes API server: JSON requests and watch streams over node:https with kept connections.
// Refusals come back as ApiError, as if the server's code had thrown them here.
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Kind } from '../kinds/kind.ts';
import { ApiError } from '../meaning/api-error.ts';
import type { KubeObject } from '../objects/meta.ts';
import type { ApiAccess } from './kubeconfig.ts';

export interface ApiClient {
  /** Rejects with ApiError (the server refused) or the system's error (it cannot be reached). */
  request<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** Lines of a watch, as they come; ends when the server ends it or on `stop`. */
  stream(path: string, stop: AbortSignal): AsyncIterable<{ type: string; object: KubeObject }>;
  /** The body as it comes. Rejects as request() does. */
  download(path: string): Promise<Readable>;
  close(): void;
}

/** After that a silent server counts as away. (Where one dies while it is listened to, TCP notices in about ten seconds.) */
const silentAfterMs = 30_000;

export function createApiClient(access: ApiAccess): ApiClient {
  const agent = new Agent({ keepAlive: true, ca: access.ca, cert: access.clientCert, key: access.clientKey, servername: access.serverName });
  const token = access.tokenFile ? fileKeeper(access.tokenFile) : () => access.token;

  function send(method: string, path: string, extra: { body?: string; stop?: AbortSignal }): Promise<IncomingMessage> {
    const { body, stop } = extra;
    const content = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const bearer = token();
    const auth = bearer ? { authorization: `Bearer ${bearer}` } : {};
    const headers = { accept: 'application/json', 'user-agent': 'fairlead', ...auth, ...content };
    return new Promise((resolve, reject) => {
      const sent = httpsRequest(`${access.server}${path}`, { method, agent, headers, ...(stop && { signal: stop }) }, (response) => {
        // From here on a stream may be silent for as long as nothing changes.
        if (stop) sent.setTimeout(0);
        resolve(response);
      });
      sent.setTimeout(silentAfterMs, () => sent.destroy(new Error(`no answer within ${silentAfterMs / 1000} seconds`)));
      sent.on('error', reject);
      sent.end(body);
    });
  }

  return {
    async request<T>(method: string, path: string, body?: unknown) {
      const response = await send(method, path, body === undefined ? {} : { body: JSON.stringify(body) });
      const text = await readAll(response);
      if ((response.statusCode ?? 500) >= 400) throw refusal(response.statusCode ?? 500, text);
      return JSON.parse(text) as T;
    },
    async *stream(path, stop) {
      const response = await send('GET', path, { stop });
      if ((response.statusCode ?? 500) >= 400) throw refusal(response.statusCode ?? 500, await readAll(response));
      try {
        for await (const line of createInterface({ input: response })) yield JSON.parse(line) as { type: string; object: KubeObject };
      } catch (error) {
        // Our own stop ends the stream with an abort error; any other is a broken connection.
        if (!stop.aborted) throw error;
      }
    },
    async download(path) {
      const response = await send('GET', path, {});
      if ((response.statusCode ?? 500) >= 400) throw refusal(response.statusCode ?? 500, await readAll(response));
      return response;
    },
    close: () => agent.destroy(),
  };
}

/** The file's text, read again when it was written. */
function fileKeeper(file: string): () => string {
  let last: { mtimeMs: number; text: string } | undefined;
  return () => {
    const { mtimeMs } = statSync(file);
    if (last?.mtimeMs !== mtimeMs) last = { mtimeMs, text: readFileSync(file, 'utf8').trim() };
    return last.text;
  };
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

function refusal(code: number, text: string): ApiError {
  try {
    const status = JSON.parse(text) as { reason?: string; message?: string; details?: ApiError['details'] };
    return new ApiError(code, status.reason ?? 'Unknown', status.message ?? text, status.details);
  } catch {
    // Not a Status (a proxy's page, plain text): the text itself is all there is to say.
    return new ApiError(code, 'Unknown', text.trim() || `HTTP ${code}`);
  }
}

/** `/api/v1/namespaces/default/services/web`; without a name the collection, without a namespace all namespaces. */
export function pathOf(kind: Pick<Kind, 'apiVersion' | 'plural'>, name?: string, namespace?: string): string {
  const root = kind.apiVersion.includes('/') ? `/apis/${kind.apiVersion}` : `/api/${kind.apiVersion}`;
  const scope = namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${scope}/${kind.plural}${name ? `/${encodeURIComponent(name)}` : ''}`;
}
