// `npm run soak`: what takes longer than a test run allows: random worlds (20,000 for model and evaluator, 500 for the
// kernel), 100,000 inputs to every decoder and 20,000 requests to an API server, of which none may cost 100 ms of a
// processor, all scenarios on nodes with iptables (a test run plays a third), and a cluster under load that goes from 50
// pods to none and back. SEED repeats worlds and inputs; RUNS, KERNEL_RUNS, FUZZ_RUNS, SCALE set lengths.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const env = { RUNS: '20000', KERNEL_RUNS: '500', FUZZ_RUNS: '100000', SCALE: '50', ...process.env };
const runTests = (word: string, more: Record<string, string> = {}): number =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'test.ts'), word], { stdio: 'inherit', env: { ...env, ...more } }).status ?? 1;
process.exitCode =
  runTests('random-worlds') || runTests('fuzz') || runTests('kernel/scenarios', { KERNEL_RULES: 'iptables' }) || runTests('under-load');
