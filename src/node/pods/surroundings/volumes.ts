// The volumes of a pod as files on this machine, made when a container that mounts them starts.
// What the files hold is a pure function of the snapshot (volumeFiles); writing them is separate (writeVolume).
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { configMapKind } from '../../../kube/kinds/config-map.ts';
import { secretKind } from '../../../kube/kinds/secret.ts';
import type { Pod, Volume } from '../../../kube/objects/core.ts';
import type { Snapshot } from '../../../kube/store/store.ts';
import { CannotStart } from '../programs/program.ts';
import { fieldValue } from './environment.ts';

export interface VolumeFile {
  path: string;
  bytes: Uint8Array;
  mode: number;
}

export interface ServiceAccountFiles {
  token: string;
  /** PEM. */
  ca: string;
}

export interface VolumeSource {
  pod: Pod;
  seen: Snapshot;
  podIPs: readonly string[];
  hostIPs: readonly string[];
  account?: ServiceAccountFiles;
}

export const serviceAccountFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Only where the volume cannot be had: the pod then waits, and its FailedMount event says for what. */
function missing(volume: string, what: string): CannotStart {
  return new CannotStart('ContainerCreating', `MountVolume.SetUp failed for volume "${volume}" : ${what}`, 'FailedMount');
}

interface KeyedSource {
  volume: string;
  name: string;
  items?: { key: string; path: string; mode?: number }[];
  mode: number;
  optional?: boolean;
}

type Entries = Record<string, Uint8Array>;

function filesOf(entries: Entries | undefined, kind: 'configmap' | 'secret', source: KeyedSource): VolumeFile[] {
  if (!entries && source.optional) return [];
  if (!entries) throw missing(source.volume, `${kind} "${source.name}" not found`);
  const items = source.items ?? Object.keys(entries).map((key) => ({ key, path: key }));
  return items.flatMap(({ key, path, mode }: { key: string; path: string; mode?: number }) => {
    const bytes = entries[key];
    if (bytes) return [{ path, bytes, mode: mode ?? source.mode }];
    if (source.optional) return [];
    throw missing(source.volume, `${kind} "${source.name}" has no key "${key}"`);
  });
}

const decode = (data: Record<string, string> | undefined): Entries =>
  Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')]));
const plain = (data: Record<string, string> | undefined): Entries =>
  Object.fromEntries(Object.entries(data ?? {}).map(([key, value]) => [key, Buffer.from(value)]));

function configMapFiles({ pod, seen }: VolumeSource, source: KeyedSource): VolumeFile[] {
  const found = seen.get(configMapKind, source.name, pod.metadata.namespace);
  return filesOf(found && { ...plain(found.data), ...decode(found.binaryData) }, 'configmap', source);
}

function secretFiles({ pod, seen }: VolumeSource, source: KeyedSource): VolumeFile[] {
  const found = seen.get(secretKind, source.name, pod.metadata.namespace);
  return filesOf(found && decode(found.data), 'secret', source);
}

interface DownwardItem {
  path: string;
  mode?: number;
  fieldRef?: { fieldPath: string };
}

function downwardFiles(source: VolumeSource, volume: string, items: readonly DownwardItem[]): VolumeFile[] {
  return items.map(({ path, mode, fieldRef }) => {
    const whole = /^metadata\.(labels|annotations)$/.exec(fieldRef?.fieldPath ?? '')?.[1] as 'labels' | 'annotations' | undefined;
    const value = whole
      ? Object.entries(source.pod.metadata[whole] ?? {}).map(([key, text]) => `${key}=${JSON.stringify(text)}`).join('\n')
      : fieldValue(fieldRef?.fieldPath ?? '', source);
    if (value === undefined) throw missing(volume, `unsupported field of downward API item "${path}"`);
    return { path, bytes: Buffer.from(value), mode: mode ?? 0o644 };
  });
}

interface ProjectedSource {
  configMap?: { name?: string; items?: KeyedSource['items']; optional?: boolean };
  secret?: { name?: string; items?: KeyedSource['items']; optional?: boolean };
  serviceAccountToken?: { path: string };
  downwardAPI?: { items?: DownwardItem[] };
}

function projectedPart(source: VolumeSource, volume: string, part: ProjectedSource, mode: number): VolumeFile[] {
  if (part.configMap) return configMapFiles(source, { ...part.configMap, volume, name: part.configMap.name ?? '', mode });
  if (part.secret) return secretFiles(source, { ...part.secret, volume, name: part.secret.name ?? '', mode });
  if (part.downwardAPI) return downwardFiles(source, volume, part.downwardAPI.items ?? []);
  if (!part.serviceAccountToken || !source.account) return [];
  return [{ path: part.serviceAccountToken.path, bytes: Buffer.from(source.account.token), mode: 0o600 }];
}

function projectedFiles(source: VolumeSource, volume: string, projected: { sources?: ProjectedSource[]; defaultMode?: number }): VolumeFile[] {
  return (projected.sources ?? []).flatMap((part) => projectedPart(source, volume, part, projected.defaultMode ?? 0o644));
}

/** What a volume holds at its start; undefined when it is not made of files (emptyDir, hostPath). Throws CannotStart. */
export function volumeFiles(volume: Volume, source: VolumeSource): VolumeFile[] | undefined {
  const { name, configMap, secret, projected, downwardAPI } = volume;
  if (configMap) return configMapFiles(source, { ...configMap, volume: name, name: configMap.name ?? '', mode: configMap.defaultMode ?? 0o644 });
  if (secret) return secretFiles(source, { ...secret, volume: name, name: secret.secretName ?? '', mode: secret.defaultMode ?? 0o644 });
  if (projected) return projectedFiles(source, name, projected);
  if (downwardAPI) return downwardFiles(source, name, (downwardAPI as { items?: DownwardItem[] }).items ?? []);
  return undefined;
}

export function serviceAccountVolume({ token, ca }: ServiceAccountFiles, namespace: string): VolumeFile[] {
  const entries: [string, string][] = [['token', token], ['ca.crt', ca], ['namespace', namespace]];
  return entries.map(([path, text]) => ({ path, bytes: Buffer.from(text), mode: 0o644 }));
}

/** The folder itself stays what it is, because rooms have it mounted. Paths are checked by the API not to leave it. */
export function writeVolume(folder: string, files: readonly VolumeFile[]): void {
  mkdirSync(folder, { recursive: true });
  const wished = new Set(files.map(({ path }) => path.split('/', 1)[0]));
  for (const name of readdirSync(folder)) if (!wished.has(name)) rmSync(join(folder, name), { recursive: true });
  for (const { path, bytes, mode } of files) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    chmodSync(file, mode);
  }
}
