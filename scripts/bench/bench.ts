// `npm run bench [-- NAME…] [--json]`: how fast and how small, beside others who do the same work on the same machine.
// Without names all benches run, one after the other. `--list` says which there are.
import { cpus, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { connectBench } from './connect.ts';
import { apiBench } from './api.ts';
import { dnsBench } from './dns.ts';
import { type Bench, type Figure, isMet, printFigures, ratioOf } from './figure.ts';
import { httpBench } from './http.ts';
import { runInSandbox } from './sandbox.ts';
import { scaleBench } from './scale.ts';
import { servicesBench } from './services.ts';
import { startBench } from './start.ts';
import { storeBench } from './store.ts';

const benches: readonly Bench[] = [startBench, servicesBench, scaleBench, connectBench, dnsBench, httpBench, storeBench, apiBench];

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, list: { type: 'boolean' }, inside: { type: 'string' } },
});

if (options.inside !== undefined) await runHere(find(options.inside));
else if (options.list) for (const { name, about } of benches) console.log(`${name.padEnd(10)} ${about}`);
else await runAll(names.length > 0 ? names.map(find) : benches);

function find(name: string): Bench {
  const bench = benches.find((each) => each.name === name);
  if (bench) return bench;
  console.error(`bench: there is no ${name}; there are ${benches.map((each) => each.name).join(', ')}`);
  process.exit(2);
}

/** In the sandbox: figures go to standard output as JSON, progress to standard error. */
async function runHere({ run }: Bench): Promise<void> {
  const figures: Figure[] = [];
  await run({ figure: (figure) => figures.push(figure), say: (text) => console.error(`  ${text}`) });
  process.stdout.write(JSON.stringify(figures), () => process.exit());
}

function readMachine() {
  const [load = 0] = loadavg();
  return { cores: cpus().length, cpu: cpus()[0]?.model ?? 'unknown', kernel: release(), node: process.version, load };
}

function printMachine({ cores, cpu, kernel, node, load }: ReturnType<typeof readMachine>): string {
  const others = load > cores / 4 ? `\nothers use this machine (load ${load.toFixed(1)}): times are longer than they need be` : '';
  return `machine: ${cores} cores (${cpu}), Linux ${kernel}, Node ${node}${others}`;
}

async function runAll(chosen: readonly Bench[]): Promise<void> {
  const machine = readMachine();
  const results: object[] = [];
  if (!options.json) console.log(printMachine(machine));
  for (const bench of chosen) {
    console.error(`\n${bench.name}: ${bench.about} …`);
    try {
      const printed = await runInSandbox([process.execPath, '--expose-gc', import.meta.filename, '--inside', bench.name]);
      const figures = JSON.parse(printed) as Figure[];
      results.push({ bench: bench.name, repeat: repeat(bench), figures: figures.map((figure) => ({ ...figure, ratio: ratioOf(figure), met: isMet(figure) })) });
      if (!options.json) console.log(`\n${bench.name}: ${bench.about}\n\n${printFigures(figures)}\n\nrepeat: ${repeat(bench)}`);
    } catch (error) {
      // One that fails has said why on standard error; the others are still worth their time.
      console.error(`bench: ${bench.name}: ${(error as Error).message}`);
      if (process.exitCode) break;
      results.push({ bench: bench.name, repeat: repeat(bench), failed: (error as Error).message });
    }
  }
  if (options.json) console.log(JSON.stringify({ machine, results }, undefined, 2));
  if (results.some((result) => 'failed' in result)) process.exitCode ??= 1;
}

function repeat({ name }: Bench): string {
  return `npm run bench -- ${name}`;
}
