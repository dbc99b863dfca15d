// Every *.yaml below this folder, put to all judges, with all expansions.
import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { playExpansions, playScenario } from './run/run-scenario.ts';
import { readScenario } from './run/scenario.ts';

const here = import.meta.dirname;
const files = globSync('**/*.yaml', { cwd: here }).sort();

test('there are scenarios', () => assert.ok(files.length > 0));

for (const file of files) {
  describe(file, () => {
    const scenario = readScenario(join(here, file));
    test(scenario.about, async () => {
      await playExpansions(scenario, await playScenario(scenario));
    });
  });
}
