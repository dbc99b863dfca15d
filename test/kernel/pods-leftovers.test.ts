// What remains of pods when they, their node or the whole program end: nothing.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { Pod } from '../../src/kube/objects/core.ts';
import { removeMachine } from '../../src/node/machine/machine.ts';
import { namespacePrefix, nodeNamespace } from '../../src/node/machine/names.ts';
import { listNamespaces, type Netns } from '../../src/node/netlink/namespaces.ts';
import { withRtnetlink } from '../../src/node/netlink/rtnetlink.ts';
import { createLinuxSandboxes } from '../../src/node/pods/linux-sandboxes.ts';
import { createPodsWorld } from './pods-node.ts';

const sleeper = { containers: [{ name: 'main', image: 'busybox', command: ['sleep', '1000'] }] };

function isRunningAgain(pod: Pod | undefined): boolean {
  const status = pod?.status?.containerStatuses?.[0];
  return status?.restartCount === 1 && status.state?.running !== undefined;
}

const podNamespaces = (cluster: string) => listNamespaces(`${namespacePrefix(cluster)}node1_`);

/** As the kernel prints them: `net:[4026532287]`. */
const namesOf = (namespaces: readonly Netns[]) => namespaces.map(({ path }) => `net:[${statSync(path).ino}]`);

/** How many processes of this machine live in these networks. */
function inhabitants(networks: readonly string[]): number {
  return readdirSync('/proc').filter((name) => {
    try {
      return /^\d+$/.test(name) && networks.includes(readlinkSync(`/proc/${name}/ns/net`));
    } catch {
      // It ended while we looked.
      return false;
    }
  }).length;
}

/** The kernel takes its moment to kill what lives in a room whose keeper is gone. */
async function deserted(networks: readonly string[]): Promise<void> {
  while (inhabitants(networks) > 0) await setImmediate();
}

const podLinks = ({ namespace }: { namespace: Netns }) =>
  withRtnetlink(namespace, (rtnetlink) => rtnetlink.links().map(({ name }) => name).filter((name) => name.startsWith('pod-')));

test('a deleted pod leaves no process, namespace, link, folder or lease', async (t) => {
  const world = await createPodsWorld({ cluster: 'podsgone', net: 30 });
  t.after(() => world.close());
  await world.create('a', sleeper);
  await world.create('b', {});
  await world.ready('a');
  const pod = await world.ready('b');
  await world.run(pod, ['true']);
  const networks = namesOf(podNamespaces('podsgone'));
  assert.equal(networks.length, 2);
  assert.ok(inhabitants(networks) >= 2);
  assert.equal(podLinks(world).length, 2);
  for (const name of ['a', 'b']) await world.remove(name, 0);
  // A forced deletion removes the object first; the machine follows.
  while (podNamespaces('podsgone').length > 0 || readdirSync(join(world.folder, 'pods')).length > 0) await setImmediate();
  await deserted(networks);
  assert.deepEqual(podLinks(world), []);
  assert.deepEqual(JSON.parse(readFileSync(join(world.folder, 'leases.json'), 'utf8')).leases, {});
});

test('an agent that ends leaves only objects and leases; started again, its pods have their old addresses and count a restart', async (t) => {
  const world = await createPodsWorld({ cluster: 'podsagain', net: 31 });
  t.after(() => world.close());
  await world.create('a', sleeper);
  const before = await world.ready('a');
  const networks = namesOf(podNamespaces('podsagain'));
  assert.ok(inhabitants(networks) > 0);
  await world.running.agent.close();
  await deserted(networks);
  assert.deepEqual(podNamespaces('podsagain'), []);
  assert.deepEqual(podLinks(world), []);
  assert.deepEqual(readdirSync(join(world.folder, 'pods')), []);
  await world.restart();
  const after = await world.until('a', isRunningAgain);
  assert.ok(inhabitants(namesOf(podNamespaces('podsagain'))) > 0);
  assert.deepEqual(after?.status?.podIPs, before.status?.podIPs);
});

test('after kill -9 no process survives, and the next start sweeps networks and folders', async (t) => {
  const program = `
    import { createPodsWorld } from ${JSON.stringify(join(import.meta.dirname, 'pods-node.ts'))};
    const world = await createPodsWorld({ cluster: 'podskill', net: 32 });
    await world.create('a', { containers: [{ name: 'main', image: 'busybox', command: ['sleep', '1000'] }] });
    await world.create('b', {});
    await world.ready('a');
    await world.run(await world.ready('b'), ['true']);
    console.log(world.folder);
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const folder = line.toString().trim();
  const networks = namesOf(podNamespaces('podskill'));
  assert.ok(inhabitants(networks) > 0);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await deserted(networks);
  assert.equal(networks.length, 2);
  assert.ok(readdirSync(join(folder, 'pods')).length > 0);

  const namespace = nodeNamespace('podskill', 'node1');
  await createLinuxSandboxes({ node: namespace }).sweep();
  assert.deepEqual(podNamespaces('podskill'), []);
  assert.deepEqual(podLinks({ namespace }), []);
  removeMachine('podskill');
  rmSync(folder, { recursive: true });
});

test('thirty stand-ins are up together, from one thread', async (t) => {
  const world = await createPodsWorld({ cluster: 'podsmany', net: 33 });
  t.after(() => world.close());
  const names = Array.from({ length: 30 }, (_, i) => `web-${i}`);
  const began = performance.now();
  await Promise.all(names.map((name) => world.create(name, { containers: [{ name: 'main', image: 'web', ports: [{ containerPort: 80 }] }] })));
  const pods = await Promise.all(names.map((name) => world.ready(name)));
  t.diagnostic(`30 pods Ready after ${Math.round(performance.now() - began)} ms`);
  assert.equal(new Set(pods.map((pod) => pod.status!.podIP)).size, 30);
  const answers = await Promise.all(pods.map(async (pod) => (await world.fetch({ address: pod.status!.podIP!, port: 80 }, '/hostname')).body.trim()));
  assert.deepEqual(answers, names);
});
