// A small real network for asking the kernel what a ruleset does: client ── node ── server, each a namespace.
// Probes are UDP datagrams; a second one to a port that all rulesets let through tells that the first had its time,
// so that "dropped" needs no waiting. Serves nft-language.test.ts.
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { createNamespace, inNamespace, type Netns, removeNamespace } from '../../src/node/netlink/namespaces.ts';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';
import type { Rule } from '../../src/node/nft/ruleset.ts';

export const addresses = {
  client: { 4: '10.1.0.2', 6: 'fd01::2' },
  /** Towards the client. */
  node: { 4: '10.1.0.1', 6: 'fd01::1' },
  /** Towards the server. */
  nodeOut: { 4: '10.2.0.1', 6: 'fd02::1' },
  server: { 4: '10.2.0.2', 6: 'fd02::2' },
  other: { 4: '10.2.0.3', 6: 'fd02::3' },
} as const;

const sentinelPort = 9;
const ports = [8080, 8081];

/** Stands first in every base chain. */
export const sentinelRules: readonly Rule[] = (['th dport', 'th sport'] as const).map((field) => ({
  when: [
    { match: 'field', field: 'meta l4proto', op: '==', value: 'udp' },
    { match: 'field', field, op: '==', value: sentinelPort },
  ],
  then: { do: 'accept' },
}));

export interface Lab {
  readonly node: Netns;
  /** A fresh datagram, or another of the same socket: `10.2.0.2:8080 from 10.1.0.2`, `dropped` or an error code. */
  send(from: 'client' | 'node', to: { address: string; port: number; socket?: Socket }): Promise<string>;
  /** Bound sockets of the client's or node's side, for connections of more than one datagram. */
  socket(from: 'client' | 'node', family: 4 | 6): Promise<Socket>;
  /** `connected` or an error code. */
  connect(to: { address: string; port: number }): Promise<string>;
  close(): void;
}

const sysctls = {
  'net/ipv6/conf/default/accept_dad': '0',
  'net/ipv6/conf/all/accept_dad': '0',
  'net/ipv6/conf/all/forwarding': '1',
  'net/ipv4/ip_forward': '1',
};

function wire(namespaces: { client: Netns; node: Netns; server: Netns }): void {
  const ip = (namespace: Netns, ...lines: string[]) =>
    inNamespace(namespace, () => execFileSync('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` }));
  ip(
    namespaces.node,
    'link set lo up',
    `link add c0 type veth peer name e0 netns ${namespaces.client.name}`,
    `link add s0 type veth peer name e0 netns ${namespaces.server.name}`,
    ...['c0', 's0'].map((link) => `link set ${link} up`),
    'addr add 10.1.0.1/24 dev c0',
    'addr add fd01::1/64 dev c0 nodad',
    'addr add 10.2.0.1/24 dev s0',
    'addr add fd02::1/64 dev s0 nodad',
    // As on every node: without a route to the destination a process cannot even start to send, whatever NAT would do.
    'route add default via 10.2.0.3',
    'route add default via fd02::3',
  );
  const leaf = (network: string, hosts: number[]) => [
    'link set lo up',
    'link set e0 up',
    ...hosts.flatMap((host) => [`addr add 10.${network}.0.${host}/24 dev e0`, `addr add fd0${network}::${host}/64 dev e0 nodad`]),
    `route add default via 10.${network}.0.1`,
    `route add default via fd0${network}::1`,
  ];
  ip(namespaces.client, ...leaf('1', [2]));
  ip(namespaces.server, ...leaf('2', [2, 3]));
}

/** What arrived, by the text of the datagram. */
type Arrivals = Map<string, string>;

async function listen(namespace: Netns, hosts: readonly string[], arrivals: Arrivals): Promise<Socket[]> {
  const open: Socket[] = [];
  for (const host of hosts) {
    for (const port of [...ports, sentinelPort]) {
      const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
      socket.on('message', (data, peer) => {
        arrivals.set(data.toString(), `${host}:${port} from ${peer.address}`);
        socket.send(data, peer.port, peer.address, () => {});
      });
      await namespaceSockets(namespace).bindUdp(socket, { address: host, port });
      open.push(socket);
    }
  }
  return open;
}

const both = (...names: (keyof typeof addresses)[]): string[] => names.flatMap((name) => [addresses[name][4], addresses[name][6]]);

/** Makes the namespaces, the links and the listeners. */
export async function createLab(name: string): Promise<Lab> {
  const made = { client: createNamespace(`${name}-c`, sysctls), node: createNamespace(`${name}-n`, sysctls), server: createNamespace(`${name}-s`, sysctls) };
  wire(made);
  const arrivals: Arrivals = new Map();
  const listeners = [...(await listen(made.server, both('server', 'other'), arrivals)), ...(await listen(made.node, both('node', 'nodeOut'), arrivals))];
  const greeter = createServer((stream) => stream.end());
  await namespaceSockets(made.server).listenTcp(greeter, { address: addresses.server[4], port: ports[0]! });
  const senders: Socket[] = [];
  let count = 0;

  async function socket(from: 'client' | 'node', family: 4 | 6): Promise<Socket> {
    const fresh = createSocket(family === 4 ? 'udp4' : 'udp6');
    await namespaceSockets(made[from]).bindUdp(fresh, { address: family === 4 ? '0.0.0.0' : '::', port: 0 });
    senders.push(fresh);
    return fresh;
  }

  /** When it is back, everything sent before has been received, refused or dropped. */
  async function sentinel(from: 'client' | 'node', family: 4 | 6): Promise<void> {
    const probe = await socket(from, family);
    const back = once(probe, 'message');
    probe.send('sentinel', sentinelPort, addresses.server[family]);
    await back;
    await turn();
    await turn();
  }

  return {
    node: made.node,
    socket,
    async send(from, to) {
      const family = to.address.includes(':') ? 6 : 4;
      const probe = to.socket ?? (await socket(from, family));
      const text = `probe ${count++}`;
      let error: string | undefined;
      probe.on('error', (failure: NodeJS.ErrnoException) => (error = failure.code));
      if (!to.socket) await new Promise<void>((done) => probe.connect(to.port, to.address, (failure?: NodeJS.ErrnoException) => done(void (error ??= failure?.code))));
      const sent = (failure: NodeJS.ErrnoException | null) => (error ??= failure?.code);
      if (to.socket) probe.send(text, to.port, to.address, sent);
      else if (error === undefined) probe.send(text, sent);
      await sentinel(from, family);
      return arrivals.get(text) ?? error ?? 'dropped';
    },
    async connect(to) {
      const stream = namespaceSockets(made.client).connectTcp(to);
      const outcome = await Promise.race([once(stream, 'connect').then(() => 'connected'), once(stream, 'error').then(([failure]) => String(failure.code))]).catch(
        (failure: NodeJS.ErrnoException) => String(failure.code),
      );
      stream.destroy();
      return outcome;
    },
    close() {
      for (const each of [...listeners, ...senders, greeter]) each.close();
      for (const namespace of Object.values(made)) removeNamespace(namespace);
    },
  };
}
