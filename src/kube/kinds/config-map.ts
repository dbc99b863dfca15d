// ConfigMap: settings as files or variables.
import { deepEqual } from '../../base/data/memo.ts';
import { type FieldError, forbidden, invalid, tooLong } from '../meaning/field-error.ts';
import { checkConfigKey } from '../meaning/rules/names.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import { allInvalid } from '../meaning/rules/ports.ts';
import type { ConfigMap } from '../objects/core.ts';
import { ageColumn, nameColumn } from './columns.ts';
import type { Kind } from './kind.ts';

const maxBytes = 1024 * 1024;

/** Bytes that base64 text stands for. */
export const decodedLength = (base64: string): number => Buffer.byteLength(base64, 'base64');

function validateData({ data = {}, binaryData = {} }: ConfigMap): FieldError[] {
  const errors = Object.keys(data).flatMap((key) => [
    ...allInvalid(`data[${key}]`, key, checkConfigKey(key)),
    ...(Object.hasOwn(binaryData, key) ? [invalid(`data[${key}]`, key, 'duplicate of key present in binaryData')] : []),
  ]);
  errors.push(...Object.keys(binaryData).flatMap((key) => allInvalid(`binaryData[${key}]`, key, checkConfigKey(key))));
  const bytes =
    Object.values(data).reduce((sum, value) => sum + Buffer.byteLength(String(value)), 0) +
    Object.values(binaryData).reduce((sum, value) => sum + decodedLength(value), 0);
  return bytes > maxBytes ? [...errors, tooLong('[]', maxBytes)] : errors;
}

const sealed = 'field is immutable when `immutable` is set';

/** Shared with Secret: what may no longer change once `immutable` is set. */
export function validateSealed<T extends { immutable?: boolean }>(object: T, old: T, fields: readonly (keyof T & string)[]): FieldError[] {
  if (!old.immutable) return [];
  const errors = object.immutable ? [] : [forbidden('immutable', sealed)];
  return [...errors, ...fields.filter((field) => !deepEqual(object[field], old[field])).map((field) => forbidden(field, sealed))];
}

export const configMapKind: Kind<ConfigMap> = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  shortNames: ['cm'],
  namespaced: true,
  columns: [
    nameColumn,
    { name: 'Data', type: 'string', cell: ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length },
    ageColumn,
  ],
  validate: (object, old) => [
    ...validateObjectMeta(object, { namespaced: true }, old),
    ...(old ? validateSealed(object, old, ['data', 'binaryData']) : []),
    ...validateData(object),
  ],
};
