// Asking a container how it is: over HTTP, over TCP, or by a command in it; from the node's network, as the kubelet does.
// Answers are in the words that operators know from the kubelet's events.
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Clock, sleep } from '../../../base/run/clock.ts';
import type { Sockets } from '../../../base/run/sockets.ts';
import type { Container, Probe } from '../../../kube/objects/core.ts';
import type { IntOrString } from '../../../kube/objects/meta.ts';
import type { ProbeAnswer } from './probes.ts';

export interface ProbeTarget {
  container: Container;
  /** The pod's first address; a probe's own `host` wins. */
  address: string;
  /** Of the node. */
  sockets: Sockets;
  clock: Clock;
  /** Exit code and output of a command in the container. */
  exec(command: readonly string[]): Promise<{ code: number; output: string }>;
}

const passed: ProbeAnswer = { passed: true, output: '' };
const failed = (output: string): ProbeAnswer => ({ passed: false, output });

/** A port by number, or by the name of a container port. */
export function portOf(container: Container, port: IntOrString): number | undefined {
  if (typeof port === 'number') return port;
  return container.ports?.find(({ name }) => name === port)?.containerPort ?? (/^\d+$/.test(port) ? Number(port) : undefined);
}

const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host);

function explain(error: NodeJS.ErrnoException, to: string): string {
  const known: Record<string, string> = {
    ECONNREFUSED: 'connect: connection refused',
    EHOSTUNREACH: 'connect: no route to host',
    ENETUNREACH: 'connect: network is unreachable',
  };
  const text = error.code ? known[error.code] : undefined;
  return text ? `dial tcp ${to}: ${text}` : error.message;
}

function checkTcp(target: ProbeTarget, host: string, port: number, stop: AbortSignal): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const socket = target.sockets.connectTcp({ address: host, port });
    const end = (answer: ProbeAnswer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(passed));
    socket.once('error', (error) => end(failed(explain(error, `${bracketed(host)}:${port}`))));
    stop.addEventListener('abort', () => end(failed(`dial tcp ${bracketed(host)}:${port}: i/o timeout`)));
  });
}

interface HttpWish {
  url: URL;
  host: string;
  headers: Record<string, string>;
}

function httpWish(target: ProbeTarget, probe: NonNullable<Probe['httpGet']>, port: number): HttpWish {
  const host = probe.host || target.address;
  const scheme = (probe.scheme ?? 'HTTP').toLowerCase();
  const path = probe.path || '/';
  const url = new URL(`${scheme}://${bracketed(host)}:${port}${path.startsWith('/') ? '' : '/'}${path}`);
  const own = Object.fromEntries((probe.httpHeaders ?? []).map(({ name, value }) => [name.toLowerCase(), value]));
  return { url, host, headers: { 'user-agent': 'kube-probe/1.32', accept: '*/*', connection: 'close', ...own } };
}

function checkHttp(target: ProbeTarget, wish: HttpWish, port: number, stop: AbortSignal): Promise<ProbeAnswer> {
  const { url, host, headers } = wish;
  const secure = url.protocol === 'https:';
  // Without an `agent` option: an agent would make its own connections, from this process's network.
  const connect = (): Socket => {
    const socket = target.sockets.connectTcp({ address: host, port });
    // Probes do not verify certificates: they ask whether the server lives, not who it is.
    return secure ? connectTls({ socket, rejectUnauthorized: false }) : socket;
  };
  return new Promise((resolve) => {
    const answer = (response: IncomingMessage) => {
      response.destroy();
      const code = response.statusCode ?? 0;
      resolve(code >= 200 && code < 400 ? passed : failed(`HTTP probe failed with statuscode: ${code}`));
    };
    const request = (secure ? httpsRequest : httpRequest)(url, { headers, createConnection: connect }, answer);
    request.once('error', (error) => resolve(failed(`Get "${url.href}": ${explain(error, url.host)}`)));
    stop.addEventListener('abort', () => {
      resolve(failed(`Get "${url.href}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`));
      request.destroy();
    });
    request.end();
  });
}

async function checkCommand(target: ProbeTarget, command: readonly string[], stop: AbortSignal, timeoutMs: number): Promise<ProbeAnswer> {
  const late = new Promise<ProbeAnswer>((resolve) =>
    stop.addEventListener('abort', () => resolve(failed(`command ${JSON.stringify(command)} timed out after ${timeoutMs / 1000}s`))),
  );
  const ran = target.exec(command).then(
    ({ code, output }) => (code === 0 ? passed : failed(output.trim() || `command exited with ${code}`)),
    (error: unknown) => failed((error as Error).message),
  );
  return Promise.race([ran, late]);
}

/** gRPC health checks are not spoken yet: the container counts as well, which keeps stand-ins of gRPC servers usable. */
export async function checkProbe(target: ProbeTarget, probe: Probe, timeoutMs: number): Promise<ProbeAnswer> {
  const over = new AbortController();
  const late = new AbortController();
  void sleep(target.clock, timeoutMs, over.signal).then(() => over.signal.aborted || late.abort());
  try {
    return await ask(target, probe, late.signal, timeoutMs);
  } finally {
    over.abort();
  }
}

function ask(target: ProbeTarget, probe: Probe, stop: AbortSignal, timeoutMs: number): Promise<ProbeAnswer> | ProbeAnswer {
  if (probe.exec) return checkCommand(target, probe.exec.command ?? [], stop, timeoutMs);
  const named = probe.httpGet?.port ?? probe.tcpSocket?.port;
  if (named === undefined) return passed;
  const port = portOf(target.container, named);
  if (port === undefined) return failed(`couldn't find port: ${JSON.stringify(named)} for container ${target.container.name}`);
  if (probe.httpGet) return checkHttp(target, httpWish(target, probe.httpGet, port), port, stop);
  return checkTcp(target, probe.tcpSocket?.host || target.address, port, stop);
}
