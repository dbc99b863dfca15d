// `fairlead proxy` ends, is killed and starts again under 100 connections a second and with a stream to each pod: its
// rules serve while it is away, what changed meanwhile is put right by the next start, and nobody who is connected notices.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, afterEach, before, describe, test } from 'node:test';
import type { ProxyMode } from '../../src/node/agent/rules-step.ts';
import { allLive, asked, endWell } from '../e2e/load-on-cluster.ts';
import { openStreams, type PacedLoad, startPacedLoad, type Streams } from '../e2e/paced-load.ts';
import { createProxyWorld, type ProxyWorld, serviceObject, sliceObject } from './proxy-world.ts';

const clusterIp = '10.96.0.10';
const perSecond = 100;
const pods = 4;

const hasIptables = ((): boolean => {
  try {
    return execFileSync('iptables', ['--version'], { encoding: 'utf8' }).includes('nf_tables');
  } catch {
    // Not installed.
    return false;
  }
})();
const reasons: Readonly<Record<ProxyMode, string | undefined>> = { nftables: undefined, iptables: hasIptables ? undefined : 'this machine has no iptables over nf_tables' };

for (const mode of ['nftables', 'iptables'] as const) {
  const why = reasons[mode];
  describe(`the service proxy of a node under load, ${mode}${why === undefined ? '' : ` (skipped: ${why})`}`, { skip: why !== undefined }, () => {
    let world: ProxyWorld;
    let load: PacedLoad | undefined;
    let streams: Streams | undefined;
    const rules = () => (mode === 'nftables' ? world.onNode('nft', 'list', 'ruleset') : world.onNode('iptables-save'));
    const start = () => world.startProxy('--proxy-mode', mode);

    before(async () => {
      world = await createProxyWorld(`load-${mode[0]}-${process.pid}`, pods);
      await world.create(serviceObject('web', clusterIp), sliceObject('web-1', 'web', world.pods.map(({ address }) => address)));
    });
    afterEach(async () => {
      streams?.close();
      await load?.stop();
    });
    after(() => world.close());

    async function begin(): Promise<{ load: PacedLoad; streams: Streams }> {
      const target = (from: ProxyWorld['node']) => ({ from, address: clusterIp, port: 80 });
      load = startPacedLoad([target(world.asker), target(world.node)], perSecond);
      streams = await openStreams(target(world.asker), pods);
      await asked(load, perSecond);
      return { load, streams };
    }

    test('KPX-26, PROXY-82: kill -9 and starting again, over and over: no request fails, every stream goes on', async (t) => {
      let proxy = start();
      await proxy.serving();
      const { load, streams } = await begin();
      for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL'] as const) {
        await proxy.end(signal);
        assert.ok(rules().includes(world.pods[0]!.address), `rules stand after ${signal}`);
        await asked(load, perSecond / 2);
        proxy = start();
        await proxy.serving();
        await asked(load, perSecond / 2);
      }
      allLive(t, streams);
      await endWell(t, load);
      await proxy.end();
    });

    test('KPX-26: an endpoint that left while the proxy was away gets no connection from its next start on; its stream goes on', async (t) => {
      const first = start();
      await first.serving();
      const { load, streams } = await begin();
      await first.end('SIGKILL');
      const [gone, ...stay] = world.pods;
      await world.update(sliceObject('web-1', 'web', stay.map(({ address }) => address)));
      await asked(load, perSecond);
      const second = start();
      await second.serving();
      assert.ok(!rules().includes(gone!.address), 'no rule names it');
      const came = gone!.came();
      await asked(load, perSecond);
      assert.equal(gone!.came(), came);
      allLive(t, streams);
      await endWell(t, load);
      await world.update(sliceObject('web-1', 'web', world.pods.map(({ address }) => address)));
      await second.end();
    });

    const crowd = mode === 'nftables' ? 5000 : 1000;
    test(`a start that replaces rules for ${crowd} endpoints: no request fails, every stream goes on`, async (t) => {
      const thousands = Array.from({ length: crowd / 1000 }, (_, k) => sliceObject(`crowd-${k}`, 'crowd', Array.from({ length: 1000 }, (_, i) => `192.168.${4 * k + (i >> 8)}.${i & 255}`)));
      await world.create(serviceObject('crowd', '10.96.0.20'), ...thousands);
      const first = start();
      await first.serving();
      assert.ok(rules().includes('192.168.0.7'), 'the crowd is there');
      const { load, streams } = await begin();
      await first.end('SIGKILL');
      const second = start();
      await second.serving();
      await asked(load, perSecond);
      for (const slice of thousands) await world.api.store.write({ verb: 'delete', target: { apiVersion: slice.apiVersion, kind: slice.kind, name: slice.metadata.name, namespace: 'default' } });
      await asked(load, perSecond);
      allLive(t, streams);
      await endWell(t, load);
      await second.end();
    });
  });
}
