// A whole cluster whose pods' processes are balanced when they connect: what people see of it, and that it leaves nothing.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Node } from '../../src/kube/objects/core.ts';
import { nodeCgroup } from '../../src/node/bpf/cgroups.ts';
import { whyNoConnectTime } from '../kernel/judge/connect-support.ts';
import { eventually, forget, startCluster, type RunningCluster } from './running-cluster.ts';

const why = await whyNoConnectTime();
const name = 'contime';

describe(`a cluster with connectTimeBalancing: on${why === undefined ? '' : ` (skipped: ${why})`}`, { skip: why !== undefined }, () => {
  let cluster: RunningCluster;
  const folder = mkdtempSync(join(tmpdir(), 'connect-time-'));
  before(async () => {
    const config = join(folder, 'cluster.yaml');
    writeFileSync(config, 'connectTimeBalancing: on\nnodes: [{ name: a }, { name: b }]\n');
    cluster = await startCluster(name, { config });
    await cluster.ok('create deployment web --image=any --replicas=2 --port=8080');
    await cluster.ok('expose deployment web --port=80 --target-port=8080');
    await cluster.ok('run client --image=any');
    await cluster.ok('rollout status deployment/web --timeout=30s');
    await cluster.ok('wait --for=condition=Ready pod/client --timeout=30s');
  });
  after(async () => {
    await cluster.stop();
    forget(cluster);
    rmSync(folder, { recursive: true });
    assert.equal(existsSync(dirname(nodeCgroup(name, 'a')!)), false);
  });

  test('every node says that programs are attached', async () => {
    for (const node of ['a', 'b']) {
      const { status } = await cluster.get<Node>(`node ${node}`);
      const condition = status?.conditions?.find(({ type }) => type === 'ConnectTimeBalancing');
      assert.deepEqual([condition?.status, condition?.reason], ['True', 'ProgramsAttached']);
    }
  });

  test('a command in a pod belongs to its node, and reaches Services by name', async () => {
    assert.match(await cluster.ok('exec client -- cat /proc/self/cgroup'), /^0::\/fairlead-contime\/b$/m);
    const answered = await eventually('both pods answer', async () => {
      const answers = await Promise.all(Array.from({ length: 6 }, () => cluster.ok('exec client -- curl -s --noproxy * http://web/hostname')));
      return new Set(answers);
    }, (seen) => seen.size === 2);
    for (const answer of answered) assert.match(answer, /^web-/);
  });
});
