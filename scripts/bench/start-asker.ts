// A client of the start bench: waits to be told a pod's namespace, moves into it for good, and asks for
// http://NAME/ by the cluster's DNS until an answer comes. Says the time of that answer.
import { openSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import { get } from 'node:http';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { setNetworkNamespace } from '../../src/node/netlink/ffi.ts';

export interface Errand {
  /** A file that stands for the network namespace. */
  readonly namespace: string;
  readonly dns: string;
  readonly host: string;
}

// The bench has ended in the middle: so do we.
process.on('disconnect', () => process.exit());
process.send!('here');
const [errand] = (await once(process, 'message')) as [Errand];
setNetworkNamespace(openSync(errand.namespace, 'r'));
for (;;) {
  try {
    await ask(errand);
    break;
  } catch {
    // Not yet: the name, the address or the pod is still on its way.
    await pause(5);
  }
}
process.send!(Date.now());

async function ask({ dns, host }: Errand): Promise<void> {
  const resolver = new Resolver({ timeout: 50, tries: 1 });
  resolver.setServers([dns]);
  const [address] = await resolver.resolve4(host);
  await new Promise<void>((resolve, reject) => {
    const asked = get({ host: address, timeout: 100, agent: false }, (response) => {
      response.resume().on('end', () => (response.statusCode === 200 ? resolve() : reject(new Error(`HTTP ${response.statusCode}`))));
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer'))).on('error', reject);
  });
}
