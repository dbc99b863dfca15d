// `npm run soak`: random worlds for longer than a test run allows: 2,000 for model and evaluator, 100 for the kernel;
// then 100,000 inputs to every decoder; then all scenarios on nodes with iptables, of which a test run plays a third.
// SEED repeats a run; RUNS and KERNEL_RUNS set other lengths.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const env = { RUNS: '2000', KERNEL_RUNS: '100', FUZZ_RUNS: '100000', ...process.env };
const runTests = (word: string, more: Record<string, string> = {}): number =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'test.ts'), word], { stdio: 'inherit', env: { ...env, ...more } }).status ?? 1;
process.exitCode = runTests('random-worlds') || runTests('decoder-fuzz') || runTests('kernel/scenarios', { KERNEL_RULES: 'iptables' });
