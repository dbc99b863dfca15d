// The options every write takes from its query, with upstream's refusals.
import { ApiError } from '../../../kube/meaning/api-error.ts';
import { type FieldError, invalid, notSupported, printValue } from '../../../kube/meaning/field-error.ts';
import type { ApiRequest } from '../request.ts';

export interface WriteOptions {
  dryRun: boolean;
  /** Who owns the fields written: the parameter, else the first word of the User-Agent. */
  manager: string;
  fieldManager: string;
  fieldValidation: 'Ignore' | 'Warn' | 'Strict';
}

export function optionsError(options: string, errors: readonly FieldError[]): ApiError {
  const lines = errors.map(({ field, message }) => `${field}: ${message}`);
  const text = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  const causes = errors.map(({ reason, message, field }) => ({ reason, message, field }));
  const details = { group: 'meta.k8s.io', kind: options, causes };
  return new ApiError(422, 'Invalid', `${options}.meta.k8s.io "" is invalid: ${text}`, details);
}

/** `dryRun` from query or body: only "All" is known. */
export function readDryRun(values: readonly string[], errors: FieldError[]): boolean {
  const wishes = values.filter((value) => value !== '');
  if (wishes.some((value) => value !== 'All')) {
    const message = `Unsupported value: ${printValue(wishes)}: supported values: "All"`;
    errors.push({ field: 'dryRun', reason: 'FieldValueNotSupported', message });
  }
  return wishes.length > 0;
}

const validations = ['Ignore', 'Strict', 'Warn'];

/** `options` is the name upstream gives them: CreateOptions, UpdateOptions, PatchOptions. */
export function readWriteOptions({ query, headers }: ApiRequest, options: string): WriteOptions {
  const errors: FieldError[] = [];
  const dryRun = readDryRun(query.getAll('dryRun'), errors);
  const fieldManager = query.get('fieldManager') ?? '';
  if (fieldManager.length > 128) errors.push({ field: 'fieldManager', reason: 'FieldValueTooLong', message: 'Too long: may not be more than 128 bytes' });
  else if (/[^\P{C}]/u.test(fieldManager)) errors.push(invalid('fieldManager', fieldManager, 'should only contain printable characters'));
  const fieldValidation = query.get('fieldValidation') || 'Warn';
  if (!validations.includes(fieldValidation)) errors.push(notSupported('fieldValidation', fieldValidation, validations));
  if (errors.length > 0) throw optionsError(options, errors);
  const manager = fieldManager || (headers['user-agent'] ?? 'unknown').split('/')[0]!.slice(0, 128);
  return { dryRun, manager, fieldManager, fieldValidation: fieldValidation as WriteOptions['fieldValidation'] };
}
