// `npm run soak`: random worlds for longer than a test run allows: 2,000 for model and evaluator, 100 for the kernel.
// SEED repeats a run; RUNS and KERNEL_RUNS set other lengths.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const env = { RUNS: '2000', KERNEL_RUNS: '100', ...process.env };
const { status } = spawnSync(process.execPath, [join(import.meta.dirname, 'test.ts'), 'random-worlds'], { stdio: 'inherit', env });
process.exitCode = status ?? 1;
