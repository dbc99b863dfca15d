// Control groups (version 2) for the processes of a node: `fairlead-<cluster>/<node>` at the root of the hierarchy,
// where they are found again without memory. Programs attached to one hear of every socket that its processes open.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where the hierarchy is mounted: one line of mountinfo, whose fields before ` - ` are the mount's and after it the file system's. */
export function unifiedMount(mountinfo: string): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const [mount = '', system = ''] = line.split(' - ');
    if (system.startsWith('cgroup2 ')) return mount.split(' ')[4];
  }
  return undefined;
}

const readMount = (): string | undefined => unifiedMount(readFileSync('/proc/self/mountinfo', 'utf8'));

const clusterFolder = (mount: string, cluster: string): string => join(mount, `fairlead-${cluster}`);

/** Undefined where there is no such hierarchy. */
export function nodeCgroup(cluster: string, node: string): string | undefined {
  const mount = readMount();
  return mount === undefined ? undefined : join(clusterFolder(mount, cluster), node);
}

/** To be there before it is entered; one that is there already is as good. Throws what the file system says. */
export function createCgroup(path: string): void {
  // Step by step: mkdir of whole paths asks again for ever where a file system answers as /proc does.
  for (const folder of [dirname(path), path]) if (!existsSync(folder)) mkdirSync(folder);
}

/** A writer of `0` to this file becomes a member, and so do all processes that it starts. */
export const membersFile = (cgroup: string): string => join(cgroup, 'cgroup.procs');

const expected = new Set(['ENOENT', 'EBUSY', 'ENOTEMPTY']);

/** A group with processes in it stays: it does no harm, and the next sweep takes it. */
export function removeCgroup(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (!expected.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** All nodes' groups of a cluster, also those that an earlier life left behind. */
export function removeCgroups(cluster: string): void {
  const mount = readMount();
  if (mount === undefined) return;
  const folder = clusterFolder(mount, cluster);
  for (const node of nodesIn(folder)) removeCgroup(join(folder, node));
  removeCgroup(folder);
}

function nodesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch {
    // There is none: nothing to remove.
    return [];
  }
}
