// pods/x/proxy and services/x/proxy: a request passed on to a port of a pod, and its answer passed back.
import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import { ApiError } from '../../../kube/meaning/api-error.ts';
import type { Api } from '../api.ts';
import type { Answer, ApiRequest } from '../request.ts';
import type { Target } from '../router.ts';
import { accessOf } from './log.ts';
import { destinationOf, type ProxyDestination } from './proxy-destination.ts';

/** Said between two neighbours only (RFC 9110, 7.6.1), or ours alone. */
const ownHeaders = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'authorization', 'http2-settings']);

export function passedHeaders(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const isOwn = (name: string) => ownHeaders.has(name) || name.startsWith(':') || name.startsWith('impersonate-');
  const kept = Object.entries(headers).filter(([name, value]) => value !== undefined && !isOwn(name));
  return Object.fromEntries(kept) as Record<string, string | string[]>;
}

/** The path before what the pod is asked for. */
export const proxyPrefix = (request: ApiRequest, { rest }: Target): string => request.path.slice(0, request.path.length - rest.length);

const queryText = ({ query }: ApiRequest) => (query.size > 0 ? `?${query}` : '');

export async function connectTo(api: Api, { pod, port, scheme }: ProxyDestination): Promise<Duplex> {
  try {
    const stream = await accessOf(api).connect(pod, port);
    return scheme === 'https' ? tlsConnect({ socket: stream, rejectUnauthorized: false }) : stream;
  } catch (error) {
    if (error instanceof ApiError) throw error;
    throw new ApiError(503, 'ServiceUnavailable', `error trying to reach service: ${(error as Error).message}`);
  }
}

/** The request as the pod sees it. */
export async function openOutgoing(api: Api, request: ApiRequest, target: Target): Promise<ClientRequest> {
  const destination = destinationOf(api, target);
  const stream = await connectTo(api, destination);
  const host = `${destination.pod.status?.podIP ?? destination.pod.metadata.name}:${destination.port}`;
  return httpRequest({
    createConnection: () => stream,
    method: request.method,
    path: `${target.rest}${queryText(request)}`,
    headers: { ...passedHeaders(request.headers), host, 'x-forwarded-uri': request.path },
  });
}

async function proxyRequest(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  if (target.rest === '') return { code: 301, headers: { location: `${request.path}/${queryText(request)}` } };
  const outgoing = await openOutgoing(api, request, target);
  request.stop.addEventListener('abort', () => outgoing.destroy(), { once: true });
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    outgoing.once('error', (error) => reject(new ApiError(503, 'ServiceUnavailable', `error trying to reach service: ${error.message}`)));
    request.incoming.pipe(outgoing);
  });
  return {
    code: response.statusCode ?? 502,
    headers: passedBack(response, proxyPrefix(request, target)),
    async stream(send) {
      for await (const chunk of response) await send(chunk as Buffer);
    },
  };
}

/** A redirect within the pod must stay behind the proxy. */
function passedBack({ headers }: IncomingMessage, prefix: string): Record<string, string | string[]> {
  const passed = passedHeaders(headers);
  const { location } = headers;
  return location?.startsWith('/') ? { ...passed, location: prefix + location } : passed;
}

export const proxyToPod = proxyRequest;
export const proxyToService = proxyRequest;
