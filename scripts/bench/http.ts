// HTTP requests through our proxy and through nginx, one worker each, to one endpoint (an nginx of its own) with keep-alive.
// CPU per request is the proxy's alone, so that a busy machine changes the rate but hardly the cost.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { type Bench, bestInTurn, type Report } from './figure.ts';
import { childrenOf, cpuMs, OTHER_CORE, printed, SERVER_CORE, startOn, startRole, stop, untilDone } from './processes.ts';

const connections = 32;
const seconds = 3;
const rounds = 3;
const ports = { endpoint: 5401, nginx: 5402 };

const configuration = (folder: string, server: string): string => `
daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr; user root;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  ${server}
}
`;

const endpointServer = `server { listen 127.0.0.1:${ports.endpoint}; location / { default_type text/plain; return 200 "${'x'.repeat(128)}"; } }`;

/** The same headers that ours sets on the way. */
const proxyServer = `
upstream endpoint { server 127.0.0.1:${ports.endpoint}; keepalive 256; keepalive_requests 1000000000; }
server {
  listen 127.0.0.1:${ports.nginx};
  location / {
    proxy_pass http://endpoint; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
    proxy_set_header X-Request-ID $request_id; proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Host $host; proxy_set_header X-Forwarded-Port $server_port; proxy_set_header X-Forwarded-Proto $scheme;
  }
}`;

async function startNginx(core: number, port: number, server: string) {
  const folder = mkdtempSync('/run/bench/nginx-');
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, server));
  const master = startOn(core, ['nginx', '-p', folder, '-c', join(folder, 'nginx.conf')]);
  await untilDone(() => knock(port), 50, 100);
  return master;
}

/** Rejects while nobody listens. */
async function knock(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
}

interface Rate {
  perSecond: number;
  microseconds: number;
  p99Ms: number;
}

const better = (a: Rate, b: Rate): Rate => ({
  perSecond: Math.max(a.perSecond, b.perSecond),
  microseconds: Math.min(a.microseconds, b.microseconds),
  p99Ms: Math.min(a.p99Ms, b.p99Ms),
});

async function measure(port: number, pid: number): Promise<Rate> {
  const headers = ['User-Agent: bench', 'Accept: */*', 'Accept-Encoding: gzip', 'Cookie: session=0123456789'].flatMap((header) => ['-H', header]);
  const load = (length: number) =>
    printed(OTHER_CORE, ['wrk', '-t', '1', '-c', String(connections), '-d', `${length}s`, '--latency', ...headers, `http://127.0.0.1:${port}/bench?x=1`]);
  await load(1);
  const before = cpuMs(pid);
  const output = await load(seconds);
  const used = cpuMs(pid) - before;
  if (/Non-2xx|Socket errors/.test(output)) throw new Error(`requests failed:\n${output}`);
  return { perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1]), microseconds: (used * 1000) / Number(/(\d+) requests in/.exec(output)?.[1]), p99Ms: milliseconds(/99%\s+(\S+)/.exec(output)?.[1] ?? '') };
}

/** wrk's `832.00us`, `1.23ms`, `1.02s` */
function milliseconds(text: string): number {
  const [, number = '', unit = ''] = /([\d.]+)(\w+)/.exec(text) ?? [];
  return Number(number) * ({ us: 0.001, ms: 1, s: 1000 }[unit] ?? Number.NaN);
}

async function run({ figure, say }: Report): Promise<void> {
  mkdirSync('/run/bench', { recursive: true });
  const endpoint = await startNginx(OTHER_CORE, ports.endpoint, endpointServer);
  const { child, said } = await startRole(SERVER_CORE, join(import.meta.dirname, 'http-proxy.ts'), [ports.endpoint]);
  const nginx = await startNginx(SERVER_CORE, ports.nginx, proxyServer);
  // The worker does the work; the master only watches it.
  const worker = childrenOf(nginx.pid!)[0]!;
  say(`fairlead and nginx in turn, ${rounds} rounds of ${seconds} s`);
  const [own, peer] = (await bestInTurn(rounds, [() => measure(said, child.pid!), () => measure(ports.nginx, worker)], better)) as [Rate, Rate];
  for (const each of [child, nginx, endpoint]) await stop(each);
  const beside = (value: number) => ({ name: 'nginx', value });
  figure({ about: 'requests, 32 connections', value: own.perSecond, unit: '/s', peer: beside(peer.perSecond) });
  figure({ about: 'CPU of the proxy per request', value: own.microseconds, unit: 'µs', peer: beside(peer.microseconds) });
  figure({ about: 'answer time, p99', value: own.p99Ms, unit: 'ms', peer: beside(peer.p99Ms) });
}

export const httpBench: Bench = { name: 'http', about: 'requests through the Ingress proxy, one worker each', run };
