// What remains of pods when they, their node or the whole program end: nothing.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { removeMachine } from '../../src/node/machine/machine.ts';
import { namespacePrefix, nodeNamespace } from '../../src/node/machine/names.ts';
import { listNamespaces, type Netns } from '../../src/node/netlink/namespaces.ts';
import { withRtnetlink } from '../../src/node/netlink/rtnetlink.ts';
import { createLinuxSandboxes } from '../../src/node/pods/linux-sandboxes.ts';
import { createPodsWorld } from './pods-node.ts';

const sleeper = (seconds: string) => ({ containers: [{ name: 'main', image: 'busybox', command: ['sleep', seconds] }] });

/** Processes of this machine whose command line is exactly this. */
function running(...command: string[]): number {
  const wanted = `${command.join('\0')}\0`;
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(join('/proc', name, 'cmdline'), 'utf8') === wanted;
    } catch {
      // It ended while we looked.
      return false;
    }
  }).length;
}

/** A room says that it is ready in the moment before its command replaces the script. */
async function becomes(count: number, ...command: string[]): Promise<void> {
  while (running(...command) !== count) await setImmediate();
}

const podNamespaces = (cluster: string) => listNamespaces(`${namespacePrefix(cluster)}node1_`);
const podLinks = ({ namespace }: { namespace: Netns }) =>
  withRtnetlink(namespace, (rtnetlink) => rtnetlink.links().map(({ name }) => name).filter((name) => name.startsWith('pod-')));

test('a deleted pod leaves no process, namespace, link, folder or lease', async () => {
  const world = await createPodsWorld({ cluster: 'podsgone', net: 30 });
  await world.create('a', sleeper('86411'));
  await world.create('b', {});
  await world.ready('a');
  const pod = await world.ready('b');
  await world.run(pod, ['true']);
  await becomes(1, 'sleep', '86411');
  assert.equal(podNamespaces('podsgone').length, 2);
  assert.equal(podLinks(world).length, 2);
  for (const name of ['a', 'b']) await world.remove(name, 0);
  // A forced deletion removes the object first; the machine follows.
  while (podNamespaces('podsgone').length > 0 || readdirSync(join(world.folder, 'pods')).length > 0) await setImmediate();
  assert.equal(running('sleep', '86411'), 0);
  assert.equal(running('sleep', '2147483647'), 0);
  assert.deepEqual(podLinks(world), []);
  assert.deepEqual(JSON.parse(readFileSync(join(world.folder, 'leases.json'), 'utf8')).leases, {});
  await world.close();
});

test('an agent that ends leaves only objects and leases; started again, its pods have their old addresses and count a restart', async () => {
  const world = await createPodsWorld({ cluster: 'podsagain', net: 31 });
  await world.create('a', sleeper('86412'));
  const before = await world.ready('a');
  await world.running.agent.close();
  assert.equal(running('sleep', '86412'), 0);
  assert.deepEqual(podNamespaces('podsagain'), []);
  assert.deepEqual(podLinks(world), []);
  assert.deepEqual(readdirSync(join(world.folder, 'pods')), []);
  await world.restart();
  const after = await world.until('a', (pod) => pod?.status?.containerStatuses?.[0]?.restartCount === 1);
  await becomes(1, 'sleep', '86412');
  assert.deepEqual(after?.status?.podIPs, before.status?.podIPs);
  await world.close();
});

test('after kill -9 no process survives, and the next start sweeps networks and folders', async () => {
  const program = `
    import { createPodsWorld } from ${JSON.stringify(join(import.meta.dirname, 'pods-node.ts'))};
    const world = await createPodsWorld({ cluster: 'podskill', net: 32 });
    await world.create('a', { containers: [{ name: 'main', image: 'busybox', command: ['sleep', '86413'] }] });
    await world.create('b', {});
    await world.ready('a');
    await world.run(await world.ready('b'), ['true']);
    console.log(world.folder);
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const folder = line.toString().trim();
  await becomes(1, 'sleep', '86413');
  child.kill('SIGKILL');
  await once(child, 'exit');
  await becomes(0, 'sleep', '86413');
  assert.equal(podNamespaces('podskill').length, 2);
  assert.ok(readdirSync(join(folder, 'pods')).length > 0);

  const namespace = nodeNamespace('podskill', 'node1');
  createLinuxSandboxes({ node: namespace }).sweep();
  assert.deepEqual(podNamespaces('podskill'), []);
  assert.deepEqual(podLinks({ namespace }), []);
  removeMachine('podskill');
  rmSync(folder, { recursive: true });
});

test('thirty stand-ins are up together, from one thread', async (t) => {
  const world = await createPodsWorld({ cluster: 'podsmany', net: 33 });
  const names = Array.from({ length: 30 }, (_, i) => `web-${i}`);
  const began = performance.now();
  await Promise.all(names.map((name) => world.create(name, { containers: [{ name: 'main', image: 'web', ports: [{ containerPort: 80 }] }] })));
  const pods = await Promise.all(names.map((name) => world.ready(name)));
  t.diagnostic(`30 pods Ready after ${Math.round(performance.now() - began)} ms`);
  assert.equal(new Set(pods.map((pod) => pod.status!.podIP)).size, 30);
  const answers = await Promise.all(pods.map(async (pod) => (await world.fetch({ address: pod.status!.podIP!, port: 80 }, '/hostname')).body.trim()));
  assert.deepEqual(answers, names);
  await world.close();
});
