// Secret: settings that are not for everyone's eyes. stringData is the writer's convenience and never stored.
import { badRequest } from '../meaning/api-error.ts';
import { type FieldError, invalid, required, tooLong } from '../meaning/field-error.ts';
import { checkConfigKey } from '../meaning/rules/names.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import { allInvalid } from '../meaning/rules/ports.ts';
import type { Secret } from '../objects/core.ts';
import { ageColumn, nameColumn } from './columns.ts';
import { decodedLength, validateSealed } from './config-map.ts';
import type { Kind } from './kind.ts';

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Go tells the first byte that cannot be base64; so do we. */
function faultyByte(text: string): number {
  const stray = text.search(/[^A-Za-z0-9+/=]/);
  return stray >= 0 ? stray : text.length - (text.length % 4);
}

/** Throws ApiError 400 for data that is no base64: it could not be decoded, so there is no object to judge. */
function setDefaults(secret: Secret): Secret {
  const { stringData, ...rest } = secret;
  for (const value of Object.values(secret.data ?? {})) {
    const text = value ?? '';
    if (!base64.test(text)) throw badRequest(`illegal base64 data at input byte ${faultyByte(text)}`);
  }
  const added = Object.entries(stringData ?? {}).map(([key, value]) => [key, Buffer.from(String(value)).toString('base64')]);
  const data = added.length > 0 ? { ...secret.data, ...Object.fromEntries(added) } : secret.data;
  return { ...rest, type: secret.type || 'Opaque', ...(data && { data }) };
}

const maxBytes = 1024 * 1024;

/** Keys that a type promises to its readers. */
const requiredKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
};

const accountAnnotation = 'kubernetes.io/service-account.name';

function validateType({ type = '', data = {}, metadata }: Secret): FieldError[] {
  const errors = (Object.hasOwn(requiredKeys, type) ? requiredKeys[type]! : []).filter((key) => data[key] === undefined).map((key) => required(`data[${key}]`));
  if (type === 'kubernetes.io/service-account-token' && !metadata.annotations?.[accountAnnotation]) {
    errors.push(required(`metadata.annotations[${accountAnnotation}]`));
  }
  if (type === 'kubernetes.io/basic-auth' && data.username === undefined && data.password === undefined) {
    errors.push(required('data[username]'), required('data[password]'));
  }
  return errors;
}

function validateData({ data = {} }: Secret): FieldError[] {
  const errors = Object.keys(data).flatMap((key) => allInvalid(`data[${key}]`, key, checkConfigKey(key)));
  const bytes = Object.values(data).reduce((sum, value) => sum + decodedLength(value ?? ''), 0);
  return bytes > maxBytes ? [...errors, tooLong('data', maxBytes)] : errors;
}

function validateUpdate(secret: Secret, old: Secret): FieldError[] {
  const errors = secret.type === old.type ? [] : [invalid('type', secret.type, 'field is immutable')];
  return [...errors, ...validateSealed(secret, old, ['data'])];
}

export const secretKind: Kind<Secret> = {
  apiVersion: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  shortNames: [],
  namespaced: true,
  columns: [
    nameColumn,
    { name: 'Type', type: 'string', cell: ({ type }) => type ?? '' },
    { name: 'Data', type: 'string', cell: ({ data }) => Object.keys(data ?? {}).length },
    ageColumn,
  ],
  fieldSelectors: { type: ({ type }) => type ?? '' },
  setDefaults,
  /** An update that leaves the type out means the type it had. */
  prepareUpdate: (secret, old) => ({ ...secret, type: secret.type || old.type }),
  validate: (secret, old) => [
    ...validateObjectMeta(secret, { namespaced: true }, old),
    ...(old ? validateUpdate(secret, old) : []),
    ...validateData(secret),
    ...validateType(secret),
  ],
};
