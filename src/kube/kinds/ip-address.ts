// IPAddress: one Service address in use. Its name is the address, so two users of one address cannot both exist.
import { deepEqual } from '../../base/data/memo.ts';
import { parseAddress, printAddress } from '../../base/net/address.ts';
import { type FieldError, invalid, required } from '../meaning/field-error.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { IPAddress } from '../objects/networking.ts';
import { ageColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';

export const managedByLabel = 'ipaddress.kubernetes.io/managed-by';
export const allocatorName = 'ipallocator.k8s.io';

function checkName(name: string): string[] {
  const address = parseAddress(name);
  if (!address) return [`ParseAddr(${JSON.stringify(name)}): unable to parse IP`];
  return printAddress(address) === name ? [] : ['must be a canonical format IP address'];
}

function validateParent({ spec }: IPAddress, old?: IPAddress): FieldError[] {
  const field = 'spec.parentRef';
  const parent = spec?.parentRef;
  if (old && !deepEqual(parent, old.spec?.parentRef)) return [invalid(field, parent, 'field is immutable')];
  if (!parent) return [required(field)];
  return (['resource', 'name'] as const).filter((key) => !parent[key]).map((key) => required(`${field}.${key}`));
}

function printParent({ spec }: IPAddress): string {
  const { group, resource, namespace, name } = spec?.parentRef ?? {};
  return [group ? `${resource}.${group}` : resource, namespace, name].filter(Boolean).join('/');
}

export const ipAddressKind: Kind<IPAddress> = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IPAddress',
  // As 1.31 and 1.32 have it, and warn about it.
  alsoServedAs: [{ apiVersion: 'networking.k8s.io/v1beta1', deprecation: 'networking.k8s.io/v1beta1 IPAddress is deprecated in v1.34+, unavailable in v1.37+' }],
  plural: 'ipaddresses',
  shortNames: ['ip'],
  namespaced: false,
  columns: [nameColumn, { name: 'ParentRef', type: 'string', cell: printParent }, ageColumn],
  validate: (address, old) => [...validateObjectMeta(address, { namespaced: false, name: checkName }, old), ...validateParent(address, old)],
};
