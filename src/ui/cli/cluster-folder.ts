// Where a cluster keeps what it needs on disk, and how a command finds out whether it runs.
// <data>/<name>/: state.db (objects), pki/, kubeconfig, cluster.json (description), process.json (who runs it), log.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClusterDescription } from '../config/cluster-description.ts';

export interface ClusterFolder {
  readonly name: string;
  readonly path: string;
  readonly kubeconfig: string;
  readonly log: string;
  readonly state: string;
  readonly pki: string;
}

export interface ClusterProcess {
  pid: number;
  /** Start time in clock ticks after boot: tells a process from a later one with its number. */
  startTicks: string;
  /** Set once the cluster answers. */
  server?: string;
  summary?: string;
}

export function clusterFolder(data: string, name: string): ClusterFolder {
  const path = join(data, name);
  const inside = (file: string) => join(path, file);
  return { name, path, kubeconfig: inside('kubeconfig'), log: inside('log'), state: inside('state.db'), pki: inside('pki') };
}

export const clusterNames = (data: string): string[] =>
  existsSync(data) ? readdirSync(data).filter((name) => existsSync(join(data, name, 'cluster.json'))) : [];

const startTicks = (pid: number): string | undefined => {
  try {
    // The command in field 2 may hold blanks and brackets: count from the last one. Start time is field 22.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[19];
  } catch {
    // No such process.
    return undefined;
  }
};

/** Whole or not at all, whenever the program ends. */
function writeJson(folder: ClusterFolder, name: string, content: object): void {
  mkdirSync(folder.path, { recursive: true, mode: 0o700 });
  const file = join(folder.path, name);
  writeFileSync(`${file}.new`, `${JSON.stringify(content, undefined, 2)}\n`);
  renameSync(`${file}.new`, file);
}

function readJson<T>(file: string): T | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined;
}

/** The live process that runs this cluster; undefined when none does (also after a crash). */
export function runningProcess(folder: ClusterFolder): ClusterProcess | undefined {
  const known = readJson<ClusterProcess>(join(folder.path, 'process.json'));
  return known && startTicks(known.pid) === known.startTicks ? known : undefined;
}

export function recordProcess(folder: ClusterFolder, answer: Pick<ClusterProcess, 'server' | 'summary'> = {}): void {
  const record: ClusterProcess = { pid: process.pid, startTicks: startTicks(process.pid) ?? '', ...answer };
  writeJson(folder, 'process.json', record);
}

export const forgetProcess = (folder: ClusterFolder): void => rmSync(join(folder.path, 'process.json'), { force: true });

export const readDescription = (folder: ClusterFolder): ClusterDescription | undefined => readJson(join(folder.path, 'cluster.json'));

export const writeDescription = (folder: ClusterFolder, description: ClusterDescription): void => writeJson(folder, 'cluster.json', description);

/** For commands about a cluster that there is not: what is wrong, and what to do next. */
export function noSuchCluster(data: string, name: string): string {
  const known = clusterNames(data);
  return `there is no cluster ${name} in ${data}; ${known.length > 0 ? `known: ${known.join(', ')}` : 'start one with: fairlead up'}`;
}
