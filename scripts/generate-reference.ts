// Writes docs/reference/: the pages that say what the code says, made from the code itself.
// Run: node scripts/generate-reference.ts. A habit test keeps the pages equal to what it would write.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandsPage } from './reference/commands-page.ts';
import { configPage } from './reference/config-page.ts';
import { errorsPage } from './reference/errors-page.ts';
import { kindsPage } from './reference/kinds-page.ts';
import { metricsPage } from './reference/metrics-page.ts';

/** Page text by path from the checkout's root. */
export const referencePages = async (): Promise<ReadonlyMap<string, string>> =>
  new Map([
    ['docs/reference/commands.md', commandsPage()],
    ['docs/reference/config.md', configPage()],
    ['docs/reference/errors.md', errorsPage()],
    ['docs/reference/kinds.md', kindsPage()],
    ['docs/reference/metrics.md', await metricsPage()],
  ]);

if (import.meta.main) {
  const home = join(import.meta.dirname, '..');
  mkdirSync(join(home, 'docs/reference'), { recursive: true });
  for (const [path, text] of await referencePages()) writeFileSync(join(home, path), text);
}
