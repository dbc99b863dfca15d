// Changing a connection from HTTP/1.1 to SPDY/3.1.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { badRequest } from '../../../kube/meaning/api-error.ts';
import type { Connection } from './web-socket.ts';

export const wantsSpdy = (incoming: IncomingMessage): boolean => String(incoming.headers.upgrade).toLowerCase() === 'spdy/3.1';

/** Answers 101 with the first protocol served that the client offers; throws ApiError 400 when there is none. */
export function acceptSpdy(incoming: IncomingMessage, { socket, head }: Connection, served: readonly string[]): Duplex {
  const offered = String(incoming.headers['x-stream-protocol-version'] ?? '')
    .split(',')
    .map((name) => name.trim());
  const chosen = served.find((name) => offered.includes(name));
  if (!chosen) throw badRequest(`unable to upgrade: none of the protocols ${offered.join(', ')} is served`);
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: ${chosen}\r\n\r\n`);
  if (head.length > 0) socket.unshift(head);
  return socket;
}
