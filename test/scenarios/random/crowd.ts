// The names of the world `crowd` as the generators need them. worlds.ts builds it from the same constants.
export const spaces = ['x', 'y', 'z'] as const;
export const podNames = ['a', 'b', 'c', 'd'] as const;
export const nodeNames = ['node1', 'node2', 'node3'] as const;
export const hostNames = ['ext1', 'ext2', 'ext3'] as const;

/** b is on node2, c on node3; node1 has two of each namespace. */
export const nodeOf = (name: string): string => ({ b: 'node2', c: 'node3' })[name] ?? 'node1';

/** In each node's range .2-.5 are x, .18-.21 y, .34-.37 z, so that a /28 holds one namespace's pods of one node. */
export const hostPartOf = (space: string, name: string): number => 16 * spaces.indexOf(space as 'x') + podNames.indexOf(name as 'a') + 2;

export const podAddress = (space: string, name: string, family: 4 | 6): string => {
  const [number, part] = [nodeOf(name).slice(4), hostPartOf(space, name)];
  return family === 4 ? `10.244.${number}.${part}` : `fd00:10:244:${number}::${part.toString(16)}`;
};

export const podKeys: readonly string[] = spaces.flatMap((space) => podNames.map((name) => `${space}/${name}`));
/** Both are processes of their nodes: g on node1, h on node2. */
export const hostPodKeys = ['x/g', 'x/h'] as const;
