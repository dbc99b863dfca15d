// A LoadBalancer address moves to another node: neighbours that have just spoken with the old one must follow at once.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { familyOf } from '../../src/base/net/address.ts';
import type { NetworkModel } from '../../src/model/network-model.ts';
import { createWiringRenderer } from '../../src/node/dataplane/render-wiring.ts';
import { announceDriver } from '../../src/node/linux/announce/announce-driver.ts';
import type { Driver } from '../../src/node/linux/driver.ts';
import type { Wiring } from '../../src/node/linux/wiring.ts';
import { linuxWiringDriver } from '../../src/node/linux/wiring-linux.ts';
import { createMachine, removeMachine } from '../../src/node/machine/machine.ts';
import type { MachineDescription } from '../../src/node/machine/description.ts';
import { nodeNamespace } from '../../src/node/machine/names.ts';
import { namespaceSockets } from '../../src/node/netlink/namespace-sockets.ts';
import { withRtnetlink } from '../../src/node/netlink/rtnetlink.ts';

const cluster = `an${process.pid}`;
const machine: MachineDescription = {
  cluster,
  subnets: ['10.97.7.0/24', 'fd97:7::/64'],
  nodes: [
    { name: 'one', addresses: ['10.97.7.4', 'fd97:7::4'] },
    { name: 'two', addresses: ['10.97.7.5', 'fd97:7::5'] },
  ],
  outside: [{ name: 'client', addresses: ['10.97.7.100', 'fd97:7::100'] }],
  pools: ['10.97.7.32/28', 'fd97:7:0:0:1::/80'],
};
const balanced = ['10.97.7.33', 'fd97:7::1:0:0:1'];

const client = namespaceSockets(nodeNamespace(cluster, 'client'));
const servers: Server[] = [];

interface Announcer {
  announce(addresses: readonly string[]): Promise<void>;
}

/** A node with the steps that concern its addresses, and a server on all of them that says which node it is. */
async function startNode(name: string): Promise<Announcer> {
  const namespace = nodeNamespace(cluster, name);
  const render = createWiringRenderer();
  const wiring: Driver<Wiring> = linuxWiringDriver(namespace);
  const announcements = announceDriver(namespace);
  for (const address of ['0.0.0.0', '::']) {
    const server = createServer((peer) => peer.end(name)).unref();
    servers.push(server);
    await namespaceSockets(namespace).listenTcp(server, { address, port: address === '::' ? 81 : 80 });
  }
  const node = machine.nodes.find((each) => each.name === name)!;
  return {
    async announce(announces) {
      const self: NetworkModel['self'] = { name, ips: node.addresses, podCIDRs: [], peers: [], announces } as NetworkModel['self'];
      await wiring.apply(render({ self }));
      await announcements.apply(announces);
    },
  };
}

const ask = (address: string): Promise<string> => text(client.connectTcp({ address, port: familyOf(address) === 6 ? 81 : 80 }));

/** What the client believes: whose MAC an address has. */
const believed = (address: string): string | undefined =>
  withRtnetlink(nodeNamespace(cluster, 'client'), (rtnetlink) => rtnetlink.neighbours().find((each) => each.address === address)?.mac);
const macOf = (name: string): string => withRtnetlink(nodeNamespace(cluster, name), (rtnetlink) => rtnetlink.link('eth0')!.mac!);

const nodes: Record<string, Announcer> = {};

before(async () => {
  createMachine(machine);
  for (const name of ['one', 'two']) nodes[name] = await startNode(name);
});
after(() => {
  for (const server of servers) server.close();
  removeMachine(cluster);
});

for (const address of balanced) {
  test(`${address} is reached at once on the node that took it over`, async () => {
    const [one, two] = [nodes['one']!, nodes['two']!];
    // Both know the client already: a question of theirs would tell it where the address is, too.
    for (const { addresses } of machine.nodes) for (const own of addresses) await ask(own);
    await one.announce([address]);
    assert.equal(await ask(address), 'one');
    assert.equal(believed(address), macOf('one'));
    await one.announce([]);
    await two.announce([address]);
    assert.equal(await ask(address), 'two');
    // The old node might have passed the packets on: the neighbour itself must know better.
    assert.equal(believed(address), macOf('two'));
    await two.announce([]);
  });
}
