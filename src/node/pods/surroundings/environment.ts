// The environment a container is born with: service variables, then envFrom, then env; later wins (DSC-01 … DSC-10).
// Pure: what exists in the snapshot when the container starts is what it gets (DSC-06).
import { configMapKind } from '../../../kube/kinds/config-map.ts';
import { secretKind } from '../../../kube/kinds/secret.ts';
import { serviceKind } from '../../../kube/kinds/service.ts';
import type { Container, EnvVar, Pod, Service, ServicePortSpec } from '../../../kube/objects/core.ts';
import type { Snapshot } from '../../../kube/store/store.ts';
import { CannotStart } from '../programs/program.ts';

export interface EnvironmentSource {
  pod: Pod;
  container: Container;
  seen: Snapshot;
  podIPs: readonly string[];
  hostIPs: readonly string[];
}

const variableName = (name: string) => name.toUpperCase().replaceAll('-', '_');
const bracketed = (ip: string) => (ip.includes(':') ? `[${ip}]` : ip);

function linkVariables(prefix: string, ip: string, port: ServicePortSpec): [string, string][] {
  const protocol = port.protocol ?? 'TCP';
  const link = `${prefix}_PORT_${port.port}_${protocol}`;
  return [
    [link, `${protocol.toLowerCase()}://${bracketed(ip)}:${port.port}`],
    [`${link}_PROTO`, protocol.toLowerCase()],
    [`${link}_PORT`, String(port.port)],
    [`${link}_ADDR`, ip],
  ];
}

/** What one Service with a cluster IP adds: the plain pair, and the links that Docker once made. */
export function serviceVariables(service: Service): [string, string][] {
  const ip = service.spec.clusterIP;
  const [first, ...others] = service.spec.ports ?? [];
  if (!ip || ip === 'None' || service.spec.type === 'ExternalName' || !first) return [];
  const prefix = variableName(service.metadata.name);
  const ports = [first, ...others];
  const named = ports.filter(({ name }) => name).map(({ name, port }): [string, string] => [`${prefix}_SERVICE_PORT_${variableName(name!)}`, String(port)]);
  return [
    [`${prefix}_SERVICE_HOST`, ip],
    [`${prefix}_SERVICE_PORT`, String(first.port)],
    ...named,
    [`${prefix}_PORT`, `${(first.protocol ?? 'TCP').toLowerCase()}://${bracketed(ip)}:${first.port}`],
    ...ports.flatMap((port) => linkVariables(prefix, ip, port)),
  ];
}

/** All services of the pod's namespace unless it wants no links; `kubernetes` always. */
function visibleServices(pod: Pod, seen: Snapshot): Service[] {
  const namespace = pod.metadata.namespace ?? 'default';
  const master = seen.get(serviceKind, 'kubernetes', 'default');
  const own = pod.spec.enableServiceLinks === false ? [] : seen.list(serviceKind).filter((service) => service.metadata.namespace === namespace);
  return [...(master ? [master] : []), ...own.filter((service) => service.metadata.name !== 'kubernetes')];
}

/** `$(NAME)` becomes the value of NAME; `$$` a dollar; an unknown name stays as written. */
export function expandVariables(text: string, environment: ReadonlyMap<string, string>): string {
  return text.replace(/\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)/g, (whole, name?: string) =>
    name === undefined ? '$' : (environment.get(name) ?? whole),
  );
}

const metadataField = /^metadata\.(labels|annotations)\['(.+)'\]$/;

/** The value of a downward-API field path; undefined when there is no such path. */
export function fieldValue(path: string, { pod, podIPs, hostIPs }: Pick<EnvironmentSource, 'pod' | 'podIPs' | 'hostIPs'>): string | undefined {
  const keyed = metadataField.exec(path);
  if (keyed) return pod.metadata[keyed[1] as 'labels' | 'annotations']?.[keyed[2]!] ?? '';
  const fields: Record<string, string | undefined> = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace ?? '',
    'metadata.uid': pod.metadata.uid ?? '',
    'spec.nodeName': pod.spec.nodeName ?? '',
    'spec.serviceAccountName': pod.spec.serviceAccountName ?? 'default',
    'status.podIP': podIPs[0] ?? '',
    'status.podIPs': podIPs.join(','),
    'status.hostIP': hostIPs[0] ?? '',
    'status.hostIPs': hostIPs.join(','),
  };
  return fields[path];
}

const decodeSecret = (value: string) => Buffer.from(value, 'base64').toString('utf8');

interface KeyRef {
  name?: string;
  key: string;
  optional?: boolean;
}

/** The entries of a ConfigMap or Secret as text; undefined when the object is absent. */
function entriesOf(what: 'configmap' | 'secret', name: string, { pod, seen }: EnvironmentSource): Record<string, string> | undefined {
  if (what === 'configmap') {
    const found = seen.get(configMapKind, name, pod.metadata.namespace);
    return found && (found.data ?? {});
  }
  const found = seen.get(secretKind, name, pod.metadata.namespace);
  return found && Object.fromEntries(Object.entries(found.data ?? {}).map(([key, value]) => [key, decodeSecret(value)]));
}

const kindText = { configmap: 'ConfigMap', secret: 'Secret' };

function referencedValue(what: 'configmap' | 'secret', ref: KeyRef, source: EnvironmentSource): string | undefined {
  const name = ref.name ?? '';
  const entries = entriesOf(what, name, source);
  if (entries?.[ref.key] !== undefined || ref.optional) return entries?.[ref.key];
  if (!entries) throw new CannotStart('CreateContainerConfigError', `${what} "${name}" not found`);
  throw new CannotStart('CreateContainerConfigError', `couldn't find key ${ref.key} in ${kindText[what]} ${source.pod.metadata.namespace}/${name}`);
}

function valueOf(variable: EnvVar, environment: ReadonlyMap<string, string>, source: EnvironmentSource): string | undefined {
  const from = variable.valueFrom;
  if (!from) return expandVariables(variable.value ?? '', environment);
  if (from.configMapKeyRef) return referencedValue('configmap', from.configMapKeyRef, source);
  if (from.secretKeyRef) return referencedValue('secret', from.secretKeyRef, source);
  const path = from.fieldRef?.fieldPath;
  const value = path === undefined ? undefined : fieldValue(path, source);
  if (value !== undefined) return value;
  const what = path === undefined ? 'resourceFieldRef is not supported' : `unsupported fieldPath: ${path}`;
  throw new CannotStart('CreateContainerConfigError', `env ${variable.name}: ${what}`);
}

function fromWholeObjects(source: EnvironmentSource): [string, string][] {
  return (source.container.envFrom ?? []).flatMap(({ prefix = '', configMapRef, secretRef }) => {
    const what = configMapRef ? 'configmap' : 'secret';
    const ref = configMapRef ?? secretRef;
    const entries = entriesOf(what, ref?.name ?? '', source);
    if (!entries && !ref?.optional) throw new CannotStart('CreateContainerConfigError', `${what} "${ref?.name ?? ''}" not found`);
    return Object.entries(entries ?? {}).map(([key, value]): [string, string] => [`${prefix}${key}`, value]);
  });
}

/** Throws CannotStart (`CreateContainerConfigError`) when something referenced and not optional is missing. */
export function containerEnvironment(source: EnvironmentSource): ReadonlyMap<string, string> {
  const services = visibleServices(source.pod, source.seen).flatMap(serviceVariables);
  const environment = new Map([...services, ...fromWholeObjects(source)]);
  for (const variable of source.container.env ?? []) {
    const value = valueOf(variable, environment, source);
    if (value !== undefined) environment.set(variable.name, value);
  }
  return environment;
}
