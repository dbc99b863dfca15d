// Finds a kind by what an object says it is.
import type { Kind } from './kind.ts';

export function createKindIndex(kinds: readonly Kind[]): (apiVersion: string, kind: string) => Kind | undefined {
  const byName = new Map(kinds.map((kind) => [`${kind.apiVersion}/${kind.kind}`, kind]));
  return (apiVersion, kind) => byName.get(`${apiVersion}/${kind}`);
}
