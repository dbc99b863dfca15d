// What a container finds when it looks around: its files, its name, its environment. Written to the pod's folder and
// mounted into its room (room-script.ts).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Volume } from '../../../kube/objects/core.ts';
import type { Snapshot } from '../../../kube/store/store.ts';
import { podHosts, podNames } from '../surroundings/hostname.ts';
import { podResolver, printResolvConf, type ResolverSource } from '../surroundings/resolv-conf.ts';
import {
  serviceAccountFolder,
  type ServiceAccountFiles,
  serviceAccountVolume,
  volumeFiles,
  type VolumeSource,
  writeVolume,
} from '../surroundings/volumes.ts';
import type { ProgramContext } from './program.ts';
import type { RoomFile, RoomPlan } from './room.ts';

export interface RoomSource {
  resolver: ResolverSource;
  hostIPs: readonly string[];
  /** That every room's processes join. */
  cgroup?: string;
  snapshot(): Snapshot;
  /** Token and authority for the pod's account; undefined when there is none to be had. */
  serviceAccount(context: ProgramContext): Promise<ServiceAccountFiles | undefined>;
  folderOf(context: ProgramContext): string;
}

export type PlannedRoom = Omit<RoomPlan, 'command' | 'stdin' | 'terminal'>;

export const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

function readHostFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // A machine without the file gives its pods an empty one.
    return '';
  }
}

/** resolv.conf, hosts and hostname: copies, so that a container may change its own. */
function nameFiles(source: RoomSource, context: ProgramContext, folder: string): RoomFile[] {
  const { pod, sandbox, nodeName } = context;
  const names = podNames(pod, source.resolver.clusterDomain, nodeName);
  const files = {
    'resolv.conf': printResolvConf(podResolver(pod, source.resolver).settings),
    hosts: podHosts(pod, names, sandbox.addresses, readHostFile('/etc/hosts')),
    hostname: `${names.hostname}\n`,
  };
  mkdirSync(folder, { recursive: true });
  return Object.entries(files).map(([name, content]) => {
    writeFileSync(join(folder, name), content);
    return { how: 'copy', source: join(folder, name), target: `/etc/${name}` };
  });
}

function volumeFolder(volume: Volume, folder: string, source: VolumeSource): string {
  if (volume.hostPath) return volume.hostPath.path;
  const place = join(folder, 'volumes', volume.name);
  const files = volumeFiles(volume, source);
  if (files) writeVolume(place, files);
  else mkdirSync(place, { recursive: true });
  return place;
}

function mounts(context: ProgramContext, folder: string, source: VolumeSource): RoomFile[] {
  const volumes = new Map((context.pod.spec.volumes ?? []).map((volume) => [volume.name, volume]));
  return (context.container.volumeMounts ?? []).flatMap(({ name, mountPath, readOnly, subPath }): RoomFile[] => {
    const volume = volumes.get(name);
    if (!volume) return [];
    const place = volumeFolder(volume, folder, source);
    const isFiles = !volume.emptyDir && !volume.hostPath;
    return [{ how: readOnly || isFiles ? 'bind-ro' : 'bind', source: subPath ? join(place, subPath) : place, target: mountPath }];
  });
}

/** Every pod has its account's token unless it, or an own mount at the place, says otherwise. */
function accountMount({ pod, container }: ProgramContext, folder: string, account: ServiceAccountFiles | undefined): RoomFile[] {
  const taken = container.volumeMounts?.some(({ mountPath }) => mountPath === serviceAccountFolder);
  if (!account || taken || pod.spec.automountServiceAccountToken === false) return [];
  const place = join(folder, 'volumes', 'service-account');
  writeVolume(place, serviceAccountVolume(account, pod.metadata.namespace ?? 'default'));
  return [{ how: 'bind-ro', source: place, target: serviceAccountFolder }];
}

/** Missing volumes are found out without writing anything: stand-ins need no files, but wait for them all the same. */
export function checkVolumes({ hostIPs, snapshot }: Pick<RoomSource, 'hostIPs' | 'snapshot'>, { pod, sandbox }: ProgramContext): void {
  const source: VolumeSource = { pod, seen: snapshot(), podIPs: sandbox.addresses, hostIPs };
  for (const volume of pod.spec.volumes ?? []) volumeFiles(volume, source);
}

/** All of the plan but the command and what it is connected to. Throws CannotStart when a volume cannot be had. */
export async function planRoom(source: RoomSource, context: ProgramContext, root: string): Promise<PlannedRoom> {
  const { pod, container, sandbox, nodeName } = context;
  const folder = source.folderOf(context);
  const account = await source.serviceAccount(context);
  const volumes: VolumeSource = { pod, seen: source.snapshot(), podIPs: sandbox.addresses, hostIPs: source.hostIPs, account };
  const { hostname } = podNames(pod, source.resolver.clusterDomain, nodeName);
  const base = join(folder, 'rooms', container.name);
  mkdirSync(base, { recursive: true });
  const basics: [string, string][] = [['PATH', defaultPath], ['HOSTNAME', hostname], ['HOME', '/root']];
  return {
    network: sandbox.namespace,
    ...(source.cgroup !== undefined && { cgroup: source.cgroup }),
    base,
    root,
    hostname,
    workingDir: container.workingDir ?? '/',
    files: [...nameFiles(source, context, folder), ...mounts(context, folder, volumes), ...accountMount(context, folder, account)],
    environment: new Map([...basics, ...(container.tty ? ([['TERM', 'xterm']] as const) : []), ...context.environment]),
  };
}
