// pods/x/portforward: many connections to a pod's ports over one upgraded connection. Three ways in:
// SPDY, SPDY inside a WebSocket (kubectl ≥ 1.31), and a WebSocket with two channels a port (other clients).
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { badRequest } from '../../../kube/meaning/api-error.ts';
import type { PodAccess } from '../../../kube/meaning/pod-access.ts';
import type { Pod } from '../../../kube/objects/core.ts';
import type { Api } from '../api.ts';
import type { ApiRequest } from '../request.ts';
import type { Target } from '../router.ts';
import { accessOf, seenPod } from './log.ts';
import { SpdyConnection, type SpdyStream } from './spdy.ts';
import { acceptSpdy, wantsSpdy } from './spdy-upgrade.ts';
import { acceptWebSocket, type Connection, offeredProtocols } from './web-socket.ts';
import { channelProtocols, createChannels } from './web-socket-channels.ts';

const protocol = 'portforward.k8s.io';
const tunnelProtocol = `SPDY/3.1+${protocol}`;

interface Forward {
  access: PodAccess;
  pod: Pod;
}

export async function answerPortForward(api: Api, request: ApiRequest, { target, connection }: { target: Target; connection: Connection }): Promise<void> {
  const forward = { access: accessOf(api), pod: seenPod(api, target) };
  const incoming = request.incoming as IncomingMessage;
  if (wantsSpdy(incoming)) return forwardStreams(forward, acceptSpdy(incoming, connection, [protocol]));
  const offered = offeredProtocols(incoming);
  if (offered.includes(tunnelProtocol)) {
    const socket = await acceptWebSocket(incoming, connection, tunnelProtocol);
    const { createWebSocketStream } = await import('ws');
    return forwardStreams(forward, createWebSocketStream(socket));
  }
  return forwardChannels(forward, request, { incoming, connection, offered });
}

/** Streams come in pairs of one `requestid`: one for errors, one for data. */
function forwardStreams({ access, pod }: Forward, raw: Duplex): void {
  const errors = new Map<string, SpdyStream>();
  const spdy: SpdyConnection = new SpdyConnection(raw, (stream) => {
    const id = stream.headers.get('requestid') ?? '';
    if (stream.headers.get('streamtype') === 'error') {
      errors.set(id, stream);
      stream.resume();
      return;
    }
    const error = errors.get(id);
    errors.delete(id);
    void forwardOne({ access, pod }, { port: Number(stream.headers.get('port')), data: stream, error });
  });
  raw.once('end', () => spdy.close());
}

/** Joins one connection; a failure is told on its own error stream and ends nothing else. */
async function forwardOne({ access, pod }: Forward, { port, data, error }: { port: number; data: Duplex; error?: Duplex }): Promise<void> {
  try {
    const upstream = await access.connect(pod, port);
    data.pipe(upstream);
    upstream.pipe(data);
    upstream.once('error', (why) => refuse(why));
    upstream.once('close', () => {
      data.end();
      error?.end();
    });
    data.once('close', () => upstream.destroy());
  } catch (why) {
    // Told to this one connection; the others go on.
    refuse(why as Error);
  }
  function refuse(why: Error): void {
    error?.end(`error forwarding port ${port} to pod ${pod.metadata.name}, uid : ${why.message}`);
    data.end();
  }
}

/** Two channels a port, data and errors; the first message on each is the port, little-endian. */
async function forwardChannels(forward: Forward, { query }: ApiRequest, about: { incoming: IncomingMessage; connection: Connection; offered: string[] }): Promise<void> {
  const ports = query.getAll('ports').flatMap((text) => text.split(',')).map(Number);
  if (ports.length === 0 || ports.some((port) => !Number.isInteger(port) || port < 1 || port > 65_535)) {
    throw badRequest('query parameter "port" is required');
  }
  const chosen = channelProtocols.toReversed().find((name) => about.offered.includes(name));
  const channels = createChannels(await acceptWebSocket(about.incoming, about.connection, chosen));
  for (const [i, port] of ports.entries()) {
    const data = channels.open(2 * i);
    const error = channels.open(2 * i + 1);
    const announced = Buffer.alloc(2);
    announced.writeUInt16LE(port);
    data.write(announced);
    error.write(announced);
    void forwardOne(forward, { port, data, error });
  }
}
