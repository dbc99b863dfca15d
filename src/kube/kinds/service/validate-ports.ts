// Rules for spec.ports.
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from '../../meaning/field-error.ts';
import { checkDns1123Label, checkQualifiedName } from '../../meaning/rules/names.ts';
import { allInvalid, protocols, validatePortNumber, validatePortReference } from '../../meaning/rules/ports.ts';
import type { Service, ServicePortSpec } from '../../objects/core.ts';
import { isHeadless } from './traits.ts';

function validateName({ name }: ServicePortSpec, field: string, others: { before: Set<string>; several: boolean }): FieldError[] {
  if (!name) return others.several ? [required(field)] : [];
  const errors = allInvalid(field, name, checkDns1123Label(name));
  if (others.before.has(name)) errors.push(duplicate(field, name));
  others.before.add(name);
  return errors;
}

function validateProtocol({ protocol }: ServicePortSpec, field: string): FieldError[] {
  if (!protocol) return [required(field)];
  return protocols.includes(protocol) ? [] : [notSupported(field, protocol, protocols)];
}

const validatePort = (port: ServicePortSpec, field: string): FieldError[] => [
  ...validatePortNumber(port.port, `${field}.port`),
  ...validateProtocol(port, `${field}.protocol`),
  ...(port.targetPort === undefined ? [] : validatePortReference(port.targetPort, `${field}.targetPort`)),
  ...(port.appProtocol === undefined ? [] : allInvalid(`${field}.appProtocol`, port.appProtocol, checkQualifiedName(port.appProtocol))),
];

/** Errors for every later entry whose key was there before. */
function validateUnique(ports: readonly ServicePortSpec[], keyOf: (port: ServicePortSpec) => string | undefined, error: (port: ServicePortSpec, i: number) => FieldError): FieldError[] {
  const before = new Set<string>();
  return ports.flatMap((port, i) => {
    const key = keyOf(port);
    if (key === undefined) return [];
    if (before.has(key)) return [error(port, i)];
    before.add(key);
    return [];
  });
}

export function validateServicePorts({ spec }: Service): FieldError[] {
  const ports = spec.ports ?? [];
  const others = { before: new Set<string>(), several: ports.length > 1 };
  return ports.flatMap((port, i) => [...validateName(port, `spec.ports[${i}].name`, others), ...validatePort(port, `spec.ports[${i}]`)]);
}

/** What upstream checks later, after addresses and type: node ports and doubles. */
export function validateServicePortUse({ spec }: Service): FieldError[] {
  const ports = spec.ports ?? [];
  const useless = ports.flatMap(({ nodePort }, i) =>
    spec.type === 'ClusterIP' && nodePort ? [forbidden(`spec.ports[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'")] : [],
  );
  const sameNodePort = validateUnique(
    ports,
    ({ protocol, nodePort }) => (nodePort ? `${protocol}/${nodePort}` : undefined),
    ({ nodePort }, i) => duplicate(`spec.ports[${i}].nodePort`, nodePort),
  );
  const samePort = validateUnique(
    ports,
    ({ protocol, port }) => `${protocol}/${port}`,
    ({ protocol, port }, i) => duplicate(`spec.ports[${i}]`, { port, protocol }),
  );
  return [...useless, ...sameNodePort, ...samePort];
}

const kubeletPort = 10_250;

export function validateExposedPorts(service: Service): FieldError[] {
  const { spec } = service;
  if (spec.type !== 'LoadBalancer') return [];
  return (spec.ports ?? []).flatMap(({ port }, i) =>
    port === kubeletPort ? [invalid(`spec.ports[${i}]`, port, `may not expose port ${kubeletPort} externally since it is used by kubelet`)] : [],
  );
}

export const validateHasPorts = (service: Service): FieldError[] =>
  service.spec.ports?.length || isHeadless(service) || service.spec.type === 'ExternalName' ? [] : [required('spec.ports')];
