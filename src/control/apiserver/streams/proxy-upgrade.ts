// An upgrade passed on to a pod: the handshake goes through as it is, then bytes both ways.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Api } from '../api.ts';
import type { ApiRequest } from '../request.ts';
import type { Target } from '../router.ts';
import { openOutgoing, passedHeaders } from './proxy.ts';
import type { Connection } from './web-socket.ts';

export async function proxyUpgrade(api: Api, request: ApiRequest, { target, connection }: { target: Target; connection: Connection }): Promise<void> {
  const outgoing = await openOutgoing(api, request, target);
  const { socket, head } = connection;
  outgoing.setHeader('connection', 'Upgrade');
  outgoing.setHeader('upgrade', String(request.headers.upgrade));
  outgoing.once('upgrade', (response: IncomingMessage, stream: Duplex, early: Buffer) => {
    socket.write(statusLine(response, { connection: 'Upgrade', upgrade: String(response.headers.upgrade) }));
    if (early.length > 0) socket.write(early);
    if (head.length > 0) stream.write(head);
    stream.on('error', () => socket.destroy());
    socket.once('close', () => stream.destroy());
    stream.pipe(socket);
    socket.pipe(stream);
  });
  // Not every upgrade is granted: then the answer is passed back and the connection ends with it.
  outgoing.once('response', (response) => {
    socket.write(statusLine(response, { connection: 'close' }));
    response.pipe(socket);
  });
  outgoing.once('error', () => socket.destroy());
  outgoing.end();
}

function statusLine(response: IncomingMessage, own: Record<string, string>): string {
  const headers = Object.entries({ ...passedHeaders(response.headers), ...own });
  const lines = headers.flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`));
  return `HTTP/1.1 ${response.statusCode} ${response.statusMessage}\r\n${lines.join('')}\r\n`;
}
