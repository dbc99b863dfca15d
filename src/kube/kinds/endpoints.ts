// Endpoints: the old list of a Service's addresses; EndpointSlices replace it.
import { duplicate, type FieldError, notSupported, required, tooMany } from '../meaning/field-error.ts';
import { validateOrdinaryAddress } from '../meaning/rules/addresses.ts';
import { checkDns1123Label, checkDns1123Subdomain } from '../meaning/rules/names.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import { allInvalid, protocols, validatePortNumber } from '../meaning/rules/ports.ts';
import type { EndpointAddress, Endpoints, EndpointSubset } from '../objects/core.ts';
import { ageColumn, nameColumn, none, printSome } from './columns.ts';
import type { Kind } from './kind.ts';

type SubsetPort = NonNullable<EndpointSubset['ports']>[number];

const withPort = (ip: string, port: number): string => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);

/** Ready addresses only, each with each port. */
function ready({ subsets }: Endpoints): string {
  if (!subsets?.length) return none;
  const texts = subsets.flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0 ? addresses.map(({ ip }) => ip) : ports.flatMap(({ port }) => addresses.map(({ ip }) => withPort(ip, port))),
  );
  return printSome(texts);
}

function setDefaults(endpoints: Endpoints): Endpoints {
  if (!endpoints.subsets) return endpoints;
  const subsets = endpoints.subsets.map((subset) =>
    subset.ports ? { ...subset, ports: subset.ports.map((port) => ({ ...port, protocol: port.protocol ?? 'TCP' })) } : subset,
  );
  return { ...endpoints, subsets };
}

const validateEndpoint = ({ ip, hostname, nodeName }: EndpointAddress, field: string): FieldError[] => [
  ...validateOrdinaryAddress(ip ?? '', `${field}.ip`),
  ...(hostname ? allInvalid(`${field}.hostname`, hostname, checkDns1123Label(hostname)) : []),
  ...(nodeName === undefined ? [] : allInvalid(`${field}.nodeName`, nodeName, checkDns1123Subdomain(nodeName))),
];

function validatePort({ name, port, protocol }: SubsetPort, field: string, needsName: boolean): FieldError[] {
  const errors: FieldError[] = needsName && !name ? [required(`${field}.name`)] : [];
  if (name) errors.push(...allInvalid(`${field}.name`, name, checkDns1123Label(name)));
  errors.push(...validatePortNumber(port, `${field}.port`));
  if (!protocol) errors.push(required(`${field}.protocol`));
  else if (!protocols.includes(protocol)) errors.push(notSupported(`${field}.protocol`, protocol, protocols));
  return errors;
}

function validateSubset({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset, field: string): FieldError[] {
  const names = ports.map(({ name }) => name ?? '');
  return [
    ...(addresses.length + notReadyAddresses.length === 0 ? [required(field, 'must specify `addresses` or `notReadyAddresses`')] : []),
    ...addresses.flatMap((address, i) => validateEndpoint(address, `${field}.addresses[${i}]`)),
    ...notReadyAddresses.flatMap((address, i) => validateEndpoint(address, `${field}.notReadyAddresses[${i}]`)),
    ...ports.flatMap((port, i) => validatePort(port, `${field}.ports[${i}]`, ports.length > 1)),
    ...names.flatMap((name, i) => (name && names.indexOf(name) < i ? [duplicate(`${field}.ports[${i}].name`, name)] : [])),
  ];
}

const mostAddresses = 1000;
const sizeOf = ({ subsets = [] }: Endpoints): number => subsets.reduce((sum, { addresses = [], notReadyAddresses = [] }) => sum + addresses.length + notReadyAddresses.length, 0);

/** EPT-04: no update makes a list longer than a thousand; one that was created so may shrink, and is mirrored as far as it goes. */
function validateGrowth(endpoints: Endpoints, old: Endpoints | undefined): FieldError[] {
  const size = sizeOf(endpoints);
  return old && size > mostAddresses && size > sizeOf(old) ? [tooMany('subsets', size, mostAddresses)] : [];
}

export const endpointsKind: Kind<Endpoints> = {
  apiVersion: 'v1',
  kind: 'Endpoints',
  plural: 'endpoints',
  shortNames: ['ep'],
  namespaced: true,
  createsOnUpdate: true,
  columns: [nameColumn, { name: 'Endpoints', type: 'string', cell: ready }, ageColumn],
  setDefaults,
  validate: (endpoints, old) => [
    ...validateObjectMeta(endpoints, { namespaced: true }, old),
    ...validateGrowth(endpoints, old),
    ...(endpoints.subsets ?? []).flatMap((subset, i) => validateSubset(subset, `subsets[${i}]`)),
  ],
};
