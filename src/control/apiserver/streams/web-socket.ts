// WebSockets over a request's socket, with the subprotocols of Kubernetes.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

export interface Connection {
  socket: Duplex;
  head: Buffer;
}

export const offeredProtocols = (incoming: IncomingMessage): string[] =>
  String(incoming.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

/** Loads the library at the first use: it takes 30 ms that starting does not need. */
export async function acceptWebSocket(incoming: IncomingMessage, { socket, head }: Connection, protocol: string | undefined): Promise<WebSocket> {
  const { WebSocketServer } = await import('ws');
  const server = new WebSocketServer({ noServer: true, handleProtocols: () => protocol ?? false, maxPayload: 64 * 1024 * 1024 });
  // `SPDY/3.1+portforward.k8s.io` is no token (RFC 6455, 4.1), so the library would refuse it: answered by hand.
  if (protocol?.includes('/')) {
    delete incoming.headers['sec-websocket-protocol'];
    server.on('headers', (headers) => headers.push(`Sec-WebSocket-Protocol: ${protocol}`));
  }
  return new Promise((resolve) => server.handleUpgrade(incoming, socket, head, resolve));
}
