// Cluster names asked of our DNS server and of Knot with the same names as a zone: one thread, one core each.
// The questions are what pods ask: mostly names that exist, with misses of the search path and AAAA of IPv4 Services between.
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import { join } from 'node:path';
import { type Bench, bestInTurn, type Report } from './figure.ts';
import { clusterIp, serviceName } from './many-services.ts';
import { cpuMs, OTHER_CORE, printed, SERVER_CORE, startOn, startRole, stop, untilDone } from './processes.ts';

const services = 10_000;
const seconds = 3;
const rounds = 3;
const ports = { fairlead: 5301, knot: 5302 };
const domain = 'cluster.local';
const hostOf = (index: number): string => `${serviceName(index)}.bench.svc.${domain}`;

function questions(): string {
  const lines = Array.from({ length: services }, (_, i) => {
    const host = hostOf((i * 7919) % services);
    if (i % 10 === 3) return `${host} AAAA`;
    return i % 10 === 7 ? `${host.replace('.bench.svc', '.bench.svc.bench.svc')} A` : `${host} A`;
  });
  return `${lines.join('\n')}\n`;
}

const zone = (): string =>
  [
    `$ORIGIN ${domain}.`,
    '$TTL 30',
    `@ SOA ns.dns hostmaster 1 7200 1800 86400 30`,
    '@ NS ns.dns',
    'ns.dns A 10.96.0.10',
    ...Array.from({ length: services }, (_, index) => `${serviceName(index)}.bench.svc A ${clusterIp(index + 256)}`),
    '',
  ].join('\n');

const knotConfiguration = (folder: string): string => `
server:
  rundir: ${folder}
  listen: 127.0.0.1@${ports.knot}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: ${folder}
log:
  - target: stderr
    any: error
zone:
  - domain: ${domain}
    file: ${folder}/zone
    zonefile-sync: -1
    journal-content: none
`;

interface Rate {
  perSecond: number;
  /** Of the server, per query. */
  microseconds: number;
}

const better = (a: Rate, b: Rate): Rate => ({ perSecond: Math.max(a.perSecond, b.perSecond), microseconds: Math.min(a.microseconds, b.microseconds) });

async function measure(port: number, pid: number, file: string): Promise<Rate> {
  const ask = (length: number) =>
    printed(OTHER_CORE, ['dnsperf', '-s', '127.0.0.1', '-p', String(port), '-d', file, '-l', String(length), '-c', '4', '-T', '1', '-q', '100']);
  await ask(1);
  const before = cpuMs(pid);
  const output = await ask(seconds);
  const used = cpuMs(pid) - before;
  const read = (what: string): number => Number(new RegExp(`${what}:\\s+([\\d.]+)`).exec(output)?.[1]);
  return { perSecond: read('Queries per second'), microseconds: (used * 1000) / read('Queries completed') };
}

async function answering(port: number): Promise<void> {
  const resolver = new Resolver({ timeout: 200, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  const [address] = await untilDone(() => resolver.resolve4(hostOf(1)), 100, 50);
  if (address !== clusterIp(257)) throw new Error(`the server on port ${port} answers ${address}`);
}

async function run({ figure, say }: Report): Promise<void> {
  // The sandbox's own /run: it goes with the sandbox.
  mkdirSync('/run/bench', { recursive: true });
  const folder = mkdtempSync('/run/bench/dns-');
  const file = join(folder, 'questions');
  writeFileSync(file, questions());
  writeFileSync(join(folder, 'zone'), zone());
  writeFileSync(join(folder, 'knot.conf'), knotConfiguration(folder));
  const { child: server } = await startRole(SERVER_CORE, join(import.meta.dirname, 'dns-server.ts'), [ports.fairlead, services]);
  const knot = startOn(SERVER_CORE, ['knotd', '-c', join(folder, 'knot.conf')]);
  await answering(ports.fairlead);
  await answering(ports.knot);
  say(`fairlead and Knot in turn, ${rounds} rounds of ${seconds} s`);
  const [own, peer] = (await bestInTurn(rounds, [() => measure(ports.fairlead, server.pid!, file), () => measure(ports.knot, knot.pid!, file)], better)) as [Rate, Rate];
  await stop(server);
  await stop(knot);
  const note = '80 % A, 10 % AAAA without data, 10 % no such name';
  figure({ about: 'queries, 10,000 Services', value: own.perSecond, unit: '/s', peer: { name: 'Knot', value: peer.perSecond }, note });
  figure({ about: 'CPU of the server per query', value: own.microseconds, unit: 'µs', peer: { name: 'Knot', value: peer.microseconds } });
}

export const dnsBench: Bench = { name: 'dns', about: 'cluster names over UDP, one thread each', run };
