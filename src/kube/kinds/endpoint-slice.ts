// EndpointSlice: a part of the addresses behind a Service, of one family and one set of ports.
// `ports: null` means all ports, an empty list none; the difference must survive.
import { parseAddress } from '../../base/net/address.ts';
import { duplicate, type FieldError, invalid, notSupported, required, tooMany } from '../meaning/field-error.ts';
import { validateOrdinaryAddress } from '../meaning/rules/addresses.ts';
import { checkDns1123Label, checkDns1123Subdomain, checkLabelValue, checkQualifiedName } from '../meaning/rules/names.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import { allInvalid, protocols, validatePortNumber } from '../meaning/rules/ports.ts';
import type { EndpointSlice, SliceEndpoint, SlicePort } from '../objects/networking.ts';
import { ageColumn, nameColumn, printSome } from './columns.ts';
import type { Kind } from './kind.ts';

const limits = { endpoints: 1000, addresses: 100, ports: 20_000, zones: 8 };
const unset = '<unset>';

const printPorts = ({ ports }: EndpointSlice): string => printSome((ports ?? []).map(({ port, name }) => String(port ?? (name || '*')))) || unset;

/** All addresses, ready or not. */
const printEndpoints = ({ endpoints }: EndpointSlice): string => printSome((endpoints ?? []).flatMap(({ addresses }) => addresses)) || unset;

function withEndpointDefaults(endpoint: SliceEndpoint): SliceEndpoint {
  // v1 has no free-form topology: what an old client sends is dropped (EPS-18).
  const { deprecatedTopology: _dropped, ...kept } = endpoint;
  return { ...kept, conditions: endpoint.conditions ?? {} };
}

function setDefaults(slice: EndpointSlice): EndpointSlice {
  const ports = slice.ports?.map((port): SlicePort => ({ ...port, name: port.name ?? '', protocol: port.protocol ?? 'TCP' }));
  return { ...slice, endpoints: (slice.endpoints ?? []).map(withEndpointDefaults), ...(ports && { ports }) };
}

function validateDomain(address: string, field: string): FieldError[] {
  const name = address.replace(/\.$/, '');
  const complaints = checkDns1123Subdomain(name);
  if (complaints.length > 0) return [invalid(field, name, complaints.join(','))];
  return name.includes('.') ? [] : [invalid(field, name, 'should be a domain with at least two segments separated by dots')];
}

function validateEndpointAddress(address: string, type: EndpointSlice['addressType'], field: string): FieldError[] {
  if (type === 'FQDN') return validateDomain(address, field);
  const fits = parseAddress(address)?.family === (type === 'IPv4' ? 4 : 6);
  return fits ? validateOrdinaryAddress(address, field) : [invalid(field, address, `must be a valid ${type} address`)];
}

function validateHints({ hints }: SliceEndpoint, field: string): FieldError[] {
  const zones = (hints?.forZones ?? []).map(({ name }) => name);
  return [
    ...(zones.length > limits.zones ? [tooMany(field, zones.length, limits.zones)] : []),
    ...zones.flatMap((zone, i) => [
      ...(zones.indexOf(zone) < i ? [duplicate(`${field}[${i}].name`, zone)] : []),
      ...allInvalid(`${field}[${i}].name`, zone, checkLabelValue(zone)),
    ]),
  ];
}

function validateEndpoint(endpoint: SliceEndpoint, type: EndpointSlice['addressType'], field: string): FieldError[] {
  const { addresses = [], nodeName, hostname } = endpoint;
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(required(`${field}.addresses`, 'must contain at least 1 address'));
  else if (addresses.length > limits.addresses) errors.push(tooMany(`${field}.addresses`, addresses.length, limits.addresses));
  errors.push(...addresses.flatMap((address, i) => validateEndpointAddress(address, type, `${field}.addresses[${i}]`)));
  if (nodeName !== undefined) errors.push(...allInvalid(`${field}.nodeName`, nodeName, checkDns1123Subdomain(nodeName)));
  if (hostname !== undefined) errors.push(...allInvalid(`${field}.hostname`, hostname, checkDns1123Label(hostname)));
  return [...errors, ...validateHints(endpoint, `${field}.hints.forZones`)];
}

function validatePort(port: SlicePort, field: string): FieldError[] {
  const { name, protocol, appProtocol } = port;
  const errors = name ? allInvalid(`${field}.name`, name, checkDns1123Label(name)) : [];
  if (!protocol) errors.push(required(`${field}.protocol`));
  else if (!protocols.includes(protocol)) errors.push(notSupported(`${field}.protocol`, protocol, protocols));
  if (port.port !== undefined && port.port !== null) errors.push(...validatePortNumber(port.port, `${field}.port`));
  if (appProtocol !== undefined) errors.push(...allInvalid(`${field}.appProtocol`, appProtocol, checkQualifiedName(appProtocol)));
  return errors;
}

function validatePorts(ports: readonly SlicePort[]): FieldError[] {
  if (ports.length > limits.ports) return [tooMany('ports', ports.length, limits.ports)];
  const before = new Set<string>();
  return ports.flatMap((port, i) => {
    const name = port.name ?? '';
    const double = before.has(name) ? [duplicate(`ports[${i}].name`, name)] : [];
    before.add(name);
    return [...double, ...validatePort(port, `ports[${i}]`)];
  });
}

const types = ['FQDN', 'IPv4', 'IPv6'];

function validateType({ addressType }: EndpointSlice, old?: EndpointSlice): FieldError[] {
  if (!addressType) return [required('addressType')];
  const errors = types.includes(addressType) ? [] : [notSupported('addressType', addressType, types)];
  return old && old.addressType !== addressType ? [...errors, invalid('addressType', addressType, 'field is immutable')] : errors;
}

function validateEndpoints({ addressType, endpoints = [] }: EndpointSlice): FieldError[] {
  if (endpoints.length > limits.endpoints) return [tooMany('endpoints', endpoints.length, limits.endpoints)];
  return endpoints.flatMap((endpoint, i) => validateEndpoint(endpoint, addressType, `endpoints[${i}]`));
}

export const endpointSliceKind: Kind<EndpointSlice> = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  shortNames: [],
  namespaced: true,
  countsGenerations: true,
  countsLabels: true,
  columns: [
    nameColumn,
    { name: 'AddressType', type: 'string', cell: ({ addressType }) => addressType },
    { name: 'Ports', type: 'string', cell: printPorts },
    { name: 'Endpoints', type: 'string', cell: printEndpoints },
    ageColumn,
  ],
  setDefaults,
  validate: (slice, old) => [
    ...validateObjectMeta(slice, { namespaced: true }, old),
    ...validateType(slice, old),
    ...(types.includes(slice.addressType) ? validateEndpoints(slice) : []),
    ...validatePorts(slice.ports ?? []),
  ],
  warnings: ({ addressType }) => (addressType === 'FQDN' ? ['spec.addressType: FQDN endpoints are deprecated'] : []),
};
