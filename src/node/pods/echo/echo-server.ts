// The stand-in for a container whose image we do not have: HTTP, WebSocket and TCP share each TCP port, UDP has its own.
// Runs in a worker (echo-worker.ts) with sockets of the pod's network; knows nothing of pods beyond its identity.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer as createHttpServer, type IncomingMessage, METHODS, type Server as HttpServer, type ServerResponse } from 'node:http';
import { createServer, type Server, type Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { onAnyAddress, type Sockets } from '../../../base/run/sockets.ts';
import { answerBytes, answerEcho, type EchoIdentity, printSocketAddress } from './echo-answer.ts';

export interface EchoPort {
  port: number;
  protocol: 'TCP' | 'UDP';
  /** Nobody asked for this port: it is no error when another container of the pod has it. */
  optional?: boolean;
}

export interface EchoOptions {
  identity: EchoIdentity;
  ports: readonly EchoPort[];
  sockets: Sockets;
  log(line: string): void;
}

export interface EchoServer {
  /** No new connections; resolves when the open requests are answered. */
  close(): Promise<void>;
  /** Cuts everything off at once. */
  destroy(): void;
}

const peerOf = (socket: Socket) => printSocketAddress(socket.remoteAddress, socket.remotePort);

const longestDelayMs = 60_000;

function answerHttp({ identity, log }: EchoOptions, request: IncomingMessage, response: ServerResponse): void {
  const { method = '', url = '/', httpVersion, headers, socket } = request;
  const peer = peerOf(socket);
  const local = printSocketAddress(socket.localAddress, socket.localPort);
  const answer = answerEcho(identity, { method, url, httpVersion, headers, peer, local });
  const delayMs = Math.min(Number(/[?&]delayMs=(\d+)/.exec(url)?.[1] ?? 0), longestDelayMs);
  if (url !== '/healthz') log(`${peer} "${method} ${url}" ${answer.status}`);
  request.resume();
  const send = () => {
    response.writeHead(answer.status, { 'content-type': answer.type, 'content-length': Buffer.byteLength(answer.body) });
    response.end(method === 'HEAD' ? undefined : answer.body);
  };
  if (delayMs > 0) setTimeout(send, delayMs);
  else send();
}

function echoBytes({ identity, log }: EchoOptions, socket: Socket, first: Buffer): void {
  const peer = peerOf(socket);
  log(`${peer} tcp connection`);
  socket.write(answerBytes(identity, first, peer));
  socket.pipe(socket);
}

/** A known method before a path; Redis's `PING` and the like are not meant. */
function looksLikeHttp(first: Buffer): boolean {
  const [, method, target] = /^([A-Z-]{3,16}) (\S)/.exec(first.toString('latin1', 0, 24)) ?? [];
  return method !== undefined && METHODS.includes(method) && (method === 'CONNECT' || '/*h'.includes(target!));
}

/** Both protocols begin with the client speaking, so its first bytes say which it is. */
function sortConnection(options: EchoOptions, http: HttpServer, socket: Socket): void {
  // A client that goes away is no event for an echo server.
  socket.on('error', () => socket.destroy());
  socket.once('end', () => socket.end());
  socket.once('data', (first) => {
    if (!looksLikeHttp(first)) return echoBytes(options, socket, first);
    socket.pause();
    socket.unshift(first);
    http.emit('connection', socket);
    socket.resume();
  });
}

function createHttp(options: EchoOptions): HttpServer {
  const http = createHttpServer((request, response) => answerHttp(options, request, response));
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  http.on('upgrade', (request, socket, head) => {
    webSockets.handleUpgrade(request, socket, head, (client) => {
      options.log(`${peerOf(request.socket)} websocket ${request.url}`);
      client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }));
    });
  });
  return http;
}

interface Listening {
  close(): Promise<void>;
  destroy(): void;
}

async function serveTcp(options: EchoOptions, port: number): Promise<Listening> {
  const http = createHttp(options);
  const open = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    sortConnection(options, http, socket);
  });
  await onAnyAddress((address) => options.sockets.listenTcp(server, { address, port }));
  const destroy = () => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    // Idle keep-alive connections would hold the server open for ever; busy ones finish their answer.
    // Before the one that answers: a header set after the answer throws, and would end the stand-ins of all pods.
    http.prependListener('request', (_request, response: ServerResponse) => response.setHeader('connection', 'close'));
    http.closeIdleConnections();
    const idle = setInterval(() => http.closeIdleConnections(), 50);
    await closed;
    clearInterval(idle);
  };
  return { close, destroy };
}

async function serveUdp(options: EchoOptions, port: number): Promise<Listening> {
  let socket: UdpSocket | undefined;
  await onAnyAddress(async (address) => {
    const candidate = createSocket(address === '::' ? 'udp6' : 'udp4');
    await options.sockets.bindUdp(candidate, { address, port });
    socket = candidate;
  });
  const bound = socket!;
  bound.on('message', (heard, from) => {
    const peer = printSocketAddress(from.address, from.port);
    options.log(`${peer} udp ${heard.length} bytes`);
    bound.send(answerBytes(options.identity, heard, peer), from.port, from.address);
  });
  // An answer that cannot be delivered (ICMP unreachable) is the client's loss.
  bound.on('error', () => {});
  const destroy = () => void bound.close();
  return { close: async () => destroy(), destroy };
}

/** Listens on all ports, or on none and rejects with the system's error. */
export async function serveEcho(options: EchoOptions): Promise<EchoServer> {
  const open: Listening[] = [];
  for (const { port, protocol, optional } of options.ports) {
    try {
      open.push(await (protocol === 'TCP' ? serveTcp(options, port) : serveUdp(options, port)));
    } catch (error) {
      if (optional && (error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      for (const one of open) one.destroy();
      throw error;
    }
  }
  return {
    close: async () => void (await Promise.all(open.map((one) => one.close()))),
    destroy: () => open.forEach((one) => one.destroy()),
  };
}
