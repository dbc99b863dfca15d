// Reads the tree that the habits are about: source files with their text and relative imports.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export const home = dirname(dirname(import.meta.dirname));

export interface SourceFile {
  /** From the checkout's root: `src/kube/store/store.ts`. */
  path: string;
  text: string;
  /** Relative imports, resolved to paths of the same form. */
  imports: string[];
  /** Those that are more than `import type`: only they can make a circle at run time. */
  runtimeImports: string[];
}

const importPattern = /(?:from|import)\s*\(?\s*'(\.[^']+)'/g;
const typeImport = /^(?:import|export) type [^;]*;/gm;

export function readSources(pattern = 'src/**/*.ts'): SourceFile[] {
  return globSync(pattern, { cwd: home })
    .toSorted()
    .map((path) => {
      const text = readFileSync(join(home, path), 'utf8');
      const resolve = (code: string) => [...code.matchAll(importPattern)].map(([, to]) => normalize(join(dirname(path), to!)));
      return { path, text, imports: resolve(text), runtimeImports: resolve(text.replaceAll(typeImport, '')) };
    });
}

export const isTest = (path: string): boolean => path.endsWith('.test.ts') || path.endsWith('-suite.ts');
