// Rounds of: start writers, kill -9 at a random moment, look whether everything acknowledged is there.
// On etcd two servers write at once and die each at a moment of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLedger } from './ledger.ts';
import { seededRandom } from './seeded-random.ts';
import { openCrashStore, type Said, type StoreName } from './writer.ts';

export interface CrashWish {
  store: StoreName;
  /** A file, or etcd's address. */
  where: string;
  rounds: number;
  seed: number;
  /** In all. */
  writers?: number;
  onRound?(round: number, acknowledged: number, wrong: number): void;
}

export interface CrashReport {
  rounds: number;
  acknowledged: number;
  /** Each with the round it was found in. */
  wrong: string[];
}

const program = join(import.meta.dirname, 'writer.ts');
/** A moment is so many acknowledged writes after the start, at most, and a little: independent of how fast the machine is. */
const mostWrites = 60;
const longestMs = 15;
/** For a machine that is slower still. */
const patienceMs = 5_000;

/** Most of a round is the start of its processes. */
const compileCache = process.env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'fairlead-compile-cache');

/** What a process said until it was killed. */
async function runAndKill({ store, where }: CrashWish, writers: { first: number; count: number }, random: () => number): Promise<Said[]> {
  const args = [program, store, where, String(writers.first), String(writers.count), String(Math.floor(random() * 1e9))];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_COMPILE_CACHE: compileCache } });
  const said: Said[] = [];
  const lines = createInterface({ input: child.stdout });
  const wanted = Math.floor(random() * mostWrites);
  const enough = Promise.withResolvers<void>();
  let done = 0;
  lines.on('line', (line) => {
    const each = JSON.parse(line) as Said;
    said.push(each);
    if (each.does === 'done' && ++done > wanted) enough.resolve();
  });
  const ended = once(lines, 'close');
  await Promise.race([enough.promise, ended, sleep(patienceMs)]);
  await sleep(random() * longestMs);
  child.kill('SIGKILL');
  await ended;
  if (child.signalCode !== 'SIGKILL') await once(child, 'exit');
  if (child.signalCode !== 'SIGKILL') throw new Error(`the writers ended by themselves with ${child.exitCode}`);
  return said;
}

export async function crashRounds(wish: CrashWish): Promise<CrashReport> {
  const { store, where, rounds, seed, writers = 8, onRound } = wish;
  const random = seededRandom(seed);
  const ledger = createLedger();
  const wrong: string[] = [];
  const shares = store === 'etcd' ? [{ first: 0, count: writers / 2 }, { first: writers / 2, count: writers / 2 }] : [{ first: 0, count: writers }];
  for (let round = 1; round <= rounds; round++) {
    const said = await Promise.all(shares.map((share) => runAndKill(wish, share, random)));
    for (const lines of said) ledger.note(lines);
    const survivor = await openCrashStore(store, where);
    await survivor.latest?.();
    wrong.push(...ledger.check(survivor.snapshot()).map((each) => `round ${round}: ${each}`));
    await survivor.close();
    onRound?.(round, ledger.acknowledged(), wrong.length);
  }
  return { rounds, acknowledged: ledger.acknowledged(), wrong };
}
