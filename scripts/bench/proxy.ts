// How much a request through the L7 proxy costs, against nginx with one worker where it is installed.
// Run: node scripts/bench/proxy.ts [connections] [seconds]. Client, proxy and endpoint are processes of their own;
// CPU is the proxy's alone, read from /proc, so that a busy machine changes the rate but not the cost.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { logFor } from '../../src/base/run/log.ts';
import { hostSockets } from '../../src/base/run/sockets.ts';
import type { Listener } from '../../src/model/network-model.ts';
import { createProxy } from '../../src/serve/proxy/proxy.ts';

const [role = '', ...rest] = process.argv.slice(2);
const roles: Readonly<Record<string, () => Promise<void>>> = { endpoint: runEndpoint, proxy: () => runProxy(Number(rest[0])), load: () => runLoad(Number(rest[0]), Number(rest[1]), Number(rest[2])) };
await (roles[role] ?? (() => compare(Number(process.argv[2] ?? 32), Number(process.argv[3] ?? 5))))();

async function compare(connections: number, seconds: number): Promise<void> {
  const endpoint = startRole('endpoint');
  const endpointPort = await firstMessage(endpoint);
  const ours = startRole('proxy', endpointPort);
  const measured = [await measure('fairlead', { port: await firstMessage(ours), pid: ours.pid!, connections, seconds })];
  ours.kill();
  const nginx = await startNginx(endpointPort);
  if (nginx) {
    measured.push(await measure('nginx', { ...nginx, connections, seconds }));
    await nginx.stop();
  } else console.log('nginx is not on PATH: nothing to compare with');
  endpoint.kill();
  const [own, other] = measured;
  if (own && other) console.log(`fairlead : nginx = ${(own.perSecond / other.perSecond).toFixed(2)} in requests/s, ${(own.microseconds / other.microseconds).toFixed(2)} in CPU per request`);
}

interface Target { port: number; pid: number; connections: number; seconds: number }

async function measure(name: string, { port, pid, connections, seconds }: Target): Promise<{ perSecond: number; microseconds: number }> {
  await once(startRole('load', port, connections, 1), 'exit');
  const before = cpuMs(pid);
  const load = startRole('load', port, connections, seconds);
  const requests = await firstMessage(load);
  const microseconds = ((cpuMs(pid) - before) * 1000) / requests;
  const perSecond = requests / seconds;
  console.log(`${name.padEnd(10)} ${perSecond.toFixed(0).padStart(8)} requests/s  ${microseconds.toFixed(1).padStart(7)} µs CPU per request  (${connections} connections)`);
  return { perSecond, microseconds };
}

/** User and system time; the kernel counts in 10 ms ticks (proc(5)). */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function startRole(name: string, ...args: number[]): ChildProcess {
  return fork(import.meta.filename, [name, ...args.map(String)]);
}

async function firstMessage(child: ChildProcess): Promise<number> {
  const [message] = (await once(child, 'message')) as [number];
  return message;
}

async function runEndpoint(): Promise<void> {
  const response = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: bench\r\nContent-Length: 128\r\n\r\n${'x'.repeat(128)}`);
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', () => socket.write(response)).on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
}

async function runProxy(endpointPort: number): Promise<void> {
  const origin = { kind: 'Ingress', name: 'bench' };
  const endpoints = [{ address: '127.0.0.1', port: endpointPort, local: true, origin }];
  const backend = { type: 'endpoints', service: { kind: 'Service', name: 'bench' }, port: 80, endpoints } as const;
  const hosts = new Map([['*', { host: '*', origin, routes: [{ match: { type: 'Prefix', path: '/' }, backend, origin } as const] }]]);
  const listener: Listener = { key: '*:80', port: 80, protocol: 'HTTP', hosts };
  const proxy = createProxy({ sockets: hostSockets, log: logFor('bench'), address: '127.0.0.1', portOf: () => 0 });
  await proxy.apply(new Map([[listener.key, listener]]));
  process.send!(proxy.addressOf(listener.key)!.port);
}

/** Each connection sends the next request when the last is answered; responses are told apart by their equal size. */
async function runLoad(port: number, connections: number, seconds: number): Promise<void> {
  const request = Buffer.from('GET /bench?x=1 HTTP/1.1\r\nHost: bench.example.com\r\nUser-Agent: bench\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nCookie: session=0123456789\r\n\r\n');
  let requests = 0;
  const sockets = Array.from({ length: connections }, () => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let have = '';
    socket.on('data', (bytes) => {
      have += bytes.toString('latin1');
      const body = have.indexOf('\r\n\r\n') + 4;
      if (body < 4 || have.length < body + 128) return;
      have = '';
      requests++;
      socket.write(request);
    });
    socket.on('error', (error) => console.error('load:', error.message));
    socket.write(request);
    return socket;
  });
  await pause(seconds * 1000);
  process.send!(requests);
  for (const socket of sockets) socket.destroy();
  process.disconnect();
}

async function startNginx(endpointPort: number): Promise<{ port: number; pid: number; stop(): Promise<void> } | undefined> {
  const program = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'nginx')).find((path) => existsSync(path));
  if (!program) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'bench-nginx-'));
  const port = 18_000 + (process.pid % 1000);
  writeFileSync(join(folder, 'nginx.conf'), nginxConfiguration(folder, port, endpointPort));
  const master = spawn(program, ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'inherit' });
  await pause(500);
  const stop = async () => {
    master.kill();
    await once(master, 'exit');
    rmSync(folder, { recursive: true });
  };
  return { port, pid: childOf(master.pid!), stop };
}

/** The worker does the work; the master only watches it. */
function childOf(parent: number): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const isChild = (pid: string) => existsSync(`/proc/${pid}/stat`) && readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')[1] === String(parent);
  return Number(pids.find(isChild));
}

function nginxConfiguration(folder: string, port: number, endpointPort: number): string {
  return `
daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  upstream endpoint { server 127.0.0.1:${endpointPort}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://endpoint; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Request-ID $request_id; proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Host $host; proxy_set_header X-Forwarded-Port $server_port; proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`;
}
