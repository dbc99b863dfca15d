// Rules for containers: names, images, ports, environment, mounts, probes.
import { duplicate, type FieldError, forbidden, invalid, notFound, notSupported, required } from '../../meaning/field-error.ts';
import { checkDns1123Label, checkEnvironmentName, checkPortName } from '../../meaning/rules/names.ts';
import { allInvalid, protocols, validatePortNumber, validatePortReference } from '../../meaning/rules/ports.ts';
import type { Container, ContainerPort, PodSpec, Probe } from '../../objects/core.ts';

function validatePort(port: ContainerPort, field: string, names: Set<string>): FieldError[] {
  const errors: FieldError[] = [];
  if (port.name) {
    errors.push(...allInvalid(`${field}.name`, port.name, checkPortName(port.name)));
    if (names.has(port.name)) errors.push(duplicate(`${field}.name`, port.name));
    names.add(port.name);
  }
  if (!port.containerPort) errors.push(required(`${field}.containerPort`));
  else errors.push(...validatePortNumber(port.containerPort, `${field}.containerPort`));
  if (port.hostPort) errors.push(...validatePortNumber(port.hostPort, `${field}.hostPort`));
  if (!port.protocol) errors.push(required(`${field}.protocol`));
  else if (!protocols.includes(port.protocol)) errors.push(notSupported(`${field}.protocol`, port.protocol, protocols));
  return errors;
}

const atLeastZero = 'must be greater than or equal to 0';

const validateHandlers = ({ httpGet, tcpSocket, grpc, exec }: Probe, field: string): FieldError[] => [
  ...(httpGet ? validatePortReference(httpGet.port, `${field}.httpGet.port`) : []),
  ...(tcpSocket ? validatePortReference(tcpSocket.port, `${field}.tcpSocket.port`) : []),
  ...(grpc ? validatePortNumber(grpc.port, `${field}.grpc.port`) : []),
  ...(exec && !exec.command?.length ? [required(`${field}.exec.command`)] : []),
];

function validateProbe(probe: Probe | undefined, field: string, mayRaise: boolean): FieldError[] {
  if (!probe) return [];
  const errors: FieldError[] = [];
  const handlers = (['exec', 'httpGet', 'tcpSocket', 'grpc'] as const).filter((name) => probe[name]);
  if (handlers.length === 0) errors.push(required(field, 'must specify a handler type'));
  for (const extra of handlers.slice(1)) errors.push(forbidden(`${field}.${extra}`, 'may not specify more than 1 handler type'));
  errors.push(...validateHandlers(probe, field));
  for (const key of ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const) {
    if ((probe[key] ?? 0) < 0) errors.push(invalid(`${field}.${key}`, probe[key], atLeastZero));
  }
  if (!mayRaise && (probe.successThreshold ?? 1) !== 1) errors.push(invalid(`${field}.successThreshold`, probe.successThreshold, 'must be 1'));
  return errors;
}

function validateMounts(container: Container, volumes: ReadonlySet<string>, field: string): FieldError[] {
  const paths = new Set<string>();
  return (container.volumeMounts ?? []).flatMap(({ name, mountPath }, i) => {
    const at = `${field}.volumeMounts[${i}]`;
    const errors: FieldError[] = [];
    if (!name) errors.push(required(`${at}.name`));
    else if (!volumes.has(name)) errors.push(notFound(`${at}.name`, name));
    if (!mountPath) errors.push(required(`${at}.mountPath`));
    else if (paths.has(mountPath)) errors.push(invalid(`${at}.mountPath`, mountPath, 'must be unique'));
    paths.add(mountPath);
    return errors;
  });
}

const validateEnvironment = (container: Container, field: string): FieldError[] =>
  (container.env ?? []).flatMap(({ name }, i) =>
    name ? allInvalid(`${field}.env[${i}].name`, name, checkEnvironmentName(name)) : [required(`${field}.env[${i}].name`)],
  );

const pullPolicies = ['Always', 'IfNotPresent', 'Never'];

function validateImage({ image, imagePullPolicy }: Container, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!image) errors.push(required(`${field}.image`));
  else if (image.trim() !== image) errors.push(invalid(`${field}.image`, image, 'must not have leading or trailing whitespace'));
  if (imagePullPolicy && !pullPolicies.includes(imagePullPolicy)) errors.push(notSupported(`${field}.imagePullPolicy`, imagePullPolicy, pullPolicies));
  return errors;
}

/** What all containers of a pod share while they are checked one after another. */
interface Seen {
  names: Set<string>;
  hostPorts: Set<string>;
  volumes: ReadonlySet<string>;
}

function validateName(name: string | undefined, field: string, seen: Seen): FieldError[] {
  if (!name) return [required(`${field}.name`)];
  const errors = allInvalid(`${field}.name`, name, checkDns1123Label(name));
  if (seen.names.has(name)) errors.push(duplicate(`${field}.name`, name));
  seen.names.add(name);
  return errors;
}

function validateHostPorts({ ports = [] }: Container, field: string, seen: Seen, hostNetwork: boolean): FieldError[] {
  return ports.flatMap(({ hostPort, hostIP = '', protocol, containerPort }, i) => {
    if (!hostPort) return [];
    const errors: FieldError[] = [];
    if (hostNetwork && hostPort !== containerPort) {
      errors.push(invalid(`${field}.ports[${i}].containerPort`, containerPort, 'must match `hostPort` when `hostNetwork` is true'));
    }
    const key = `${protocol}/${hostIP}/${hostPort}`;
    if (seen.hostPorts.has(key)) errors.push(duplicate(`${field}.ports[${i}].hostPort`, key));
    seen.hostPorts.add(key);
    return errors;
  });
}

function validateContainer(container: Container, field: string, seen: Seen): FieldError[] {
  const portNames = new Set<string>();
  return [
    ...validateName(container.name, field, seen),
    ...validateImage(container, field),
    ...(container.ports ?? []).flatMap((port, i) => validatePort(port, `${field}.ports[${i}]`, portNames)),
    ...validateEnvironment(container, field),
    ...validateMounts(container, seen.volumes, field),
    ...validateProbe(container.livenessProbe, `${field}.livenessProbe`, false),
    ...validateProbe(container.readinessProbe, `${field}.readinessProbe`, true),
    ...validateProbe(container.startupProbe, `${field}.startupProbe`, false),
  ];
}

export function validateContainers(spec: PodSpec, field: string): FieldError[] {
  const seen: Seen = { names: new Set(), hostPorts: new Set(), volumes: new Set((spec.volumes ?? []).map(({ name }) => name)) };
  const { containers = [], initContainers = [] } = spec;
  const each = (list: readonly Container[], name: string) =>
    list.flatMap((container, i) => [
      ...validateContainer(container, `${field}.${name}[${i}]`, seen),
      ...validateHostPorts(container, `${field}.${name}[${i}]`, seen, spec.hostNetwork ?? false),
    ]);
  const none = containers.length === 0 ? [required(`${field}.containers`)] : [];
  return [...none, ...each(containers, 'containers'), ...each(initContainers, 'initContainers')];
}
