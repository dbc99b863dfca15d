// A real etcd for tests: Debian's, on free loopback ports, with a data folder of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface RunningEtcd {
  readonly endpoint: string;
  /** kill -9. */
  kill(): Promise<void>;
  /** Starts again on the same data and ports. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Names of files with PEM. */
export interface EtcdCertificates {
  /** Whose clients it serves; others are refused. */
  clientCa: string;
  cert: string;
  key: string;
}

const tlsFlags = ({ clientCa, cert, key }: EtcdCertificates) => ['--cert-file', cert, '--key-file', key, '--client-cert-auth', '--trusted-ca-file', clientCa];

/** Resolves when it serves clients, those with a certificate only if `tls` is given; its data lie in a folder `within`. */
export async function startEtcd({ args = [], tls, within = tmpdir() }: { args?: readonly string[]; tls?: EtcdCertificates; within?: string } = {}): Promise<RunningEtcd> {
  const folder = mkdtempSync(join(within, 'fairlead-etcd-'));
  const [client, peer] = (await freePorts(2)) as [number, number];
  const endpoint = `${tls ? 'https' : 'http'}://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const own = ['--data-dir', folder, '--listen-client-urls', endpoint, '--advertise-client-urls', endpoint];
    const peers = ['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', `default=${peerUrl}`];
    child = spawn('etcd', [...own, ...peers, ...(tls ? tlsFlags(tls) : []), ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    const last: string[] = [];
    for await (const line of createInterface({ input: child.stderr! })) {
      last.push(line);
      if (line.includes('ready to serve client requests')) {
        child.stderr!.resume();
        return;
      }
    }
    throw new Error(`etcd did not start:\n${last.slice(-5).join('\n')}`);
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  await start();
  return {
    endpoint,
    kill: () => end('SIGKILL'),
    restart: start,
    async close() {
      await end('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
