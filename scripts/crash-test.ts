// `npm run crash [-- ROUNDS [sqlite|etcd] [SEED]]`: kill -9 at random moments under 8 writers; 1,000 rounds on each store.
// No acknowledged write may be lost, no revision be used twice, no address or node port belong to two Services.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEtcd } from '../test/e2e/running-etcd.ts';
import { crashRounds } from './crash/crash-rounds.ts';
import type { StoreName } from './crash/writer.ts';

const [rounds = '1000', only, seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);

async function crash(store: StoreName, where: string): Promise<boolean> {
  const started = performance.now();
  const onRound = (round: number, acknowledged: number, wrong: number) => {
    if (round % 50 === 0) console.log(`${store}: ${round} rounds, ${acknowledged} writes acknowledged, ${wrong} wrong`);
  };
  const report = await crashRounds({ store, where, rounds: Number(rounds), seed: Number(seed), onRound });
  for (const each of report.wrong.slice(0, 20)) console.log(`${store}: ${each}`);
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${store}: ${report.rounds} rounds in ${seconds} s, ${report.acknowledged} writes acknowledged, ${report.wrong.length} wrong (seed ${seed})`);
  return report.wrong.length === 0;
}

async function crashSqlite(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-crash-'));
  try {
    return await crash('sqlite', join(folder, 'state.db'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function crashEtcd(): Promise<boolean> {
  const etcd = await startEtcd();
  try {
    return await crash('etcd', etcd.endpoint);
  } finally {
    await etcd.close();
  }
}

const results = [only === 'etcd' || (await crashSqlite()), only === 'sqlite' || (await crashEtcd())];
process.exitCode = results.every(Boolean) ? 0 : 1;
