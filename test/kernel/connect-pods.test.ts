// Processes of pods, of their own and by exec, are balanced when they connect; what stands in for them need not be.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { NetworkModel } from '../../src/model/network-model.ts';
import { connectStep } from '../../src/node/agent/connect-step.ts';
import { connectDriver } from '../../src/node/bpf/connect-driver.ts';
import { nodeCgroup, removeCgroups } from '../../src/node/bpf/cgroups.ts';
import { whyNoConnectTime } from './judge/connect-support.ts';
import { createPodsWorld } from './pods-node.ts';

const why = await whyNoConnectTime();
const cluster = 'podsconnect';
const cgroup = nodeCgroup(cluster, 'node1') ?? '';
const origin = { kind: 'Service', name: 'web' };

describe(`pods whose processes are balanced when they connect${why === undefined ? '' : ` (skipped: ${why})`}`, { skip: why !== undefined }, () => {
  let world: Awaited<ReturnType<typeof createPodsWorld>>;
  const driver = connectDriver(cgroup);
  before(async () => {
    world = await createPodsWorld({ cluster, net: 9, cgroup });
    await world.create('web', {});
    const { status } = await world.ready('web');
    const fronts = (['10.96.0.1', 'fd00:96::1'] as const).map((address, index) => ({
      address,
      port: 80,
      protocol: 'TCP' as const,
      endpoints: [{ address: status!.podIPs![index]!.ip, port: 8080 }],
      stickySeconds: 0,
      origin,
    }));
    await driver.apply(new Map([['default/web', fronts]]));
  });
  after(async () => {
    await world.close();
    await driver.remove();
    removeCgroups(cluster);
  });

  const curl = (host: string) => ['curl', '-s', '-m', '5', '--noproxy', '*', `http://${host}/hostname`];
  const places = [
    ['a stand-in', { containers: [{ name: 'main', image: 'any' }] }],
    ['a process', { containers: [{ name: 'main', image: 'any', command: ['sleep', '1000'] }] }],
  ] as const;
  for (const [index, [what, spec]] of places.entries()) {
    test(`a command in the container of ${what} reaches a Service without a rule, in both families`, async () => {
      await world.create(`client-${index}`, structuredClone(spec) as never);
      const pod = await world.ready(`client-${index}`);
      for (const host of ['10.96.0.1', '[fd00:96::1]']) {
        const { code, output } = await world.run(pod, curl(host));
        assert.deepEqual([code, output], [0, 'web\n']);
      }
    });
  }

  test('the container\'s own command does, too', async () => {
    const script = `${curl('10.96.0.1').join(' ').replace('*', "'*'")} > /tmp/answer; exec sleep 1000`;
    await world.create('own', { containers: [{ name: 'main', image: 'any', command: ['sh', '-c', script], readinessProbe: { exec: { command: ['test', '-s', '/tmp/answer'] }, periodSeconds: 1 } }] } as never);
    const { output } = await world.run(await world.ready('own'), ['cat', '/tmp/answer']);
    assert.equal(output, 'web\n');
  });
});

describe('a machine that cannot balance when processes connect', () => {
  const model = { services: new Map() } as unknown as NetworkModel;

  test('auto: goes on by nftables, says why, and does not ask again', async () => {
    const step = connectStep({ mode: 'auto', cgroup: undefined });
    assert.equal((await step.apply(model)).changes, 0);
    const note = step.note();
    assert.deepEqual([note?.type, note?.status, note?.reason], ['ConnectTimeBalancing', 'False', 'MachineRefused']);
    assert.match(note?.message ?? '', /go by nftables: .*no cgroup v2 hierarchy is mounted/);
    await step.apply(model);
    assert.equal(step.note(), note);
  });

  test('on: is a failure of the node', async () => {
    await assert.rejects(connectStep({ mode: 'on', cgroup: undefined }).apply(model), /no cgroup v2 hierarchy/);
  });
});
