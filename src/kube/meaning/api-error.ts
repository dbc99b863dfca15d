// Every way a request can be refused, with the reason, code and words that clients decide by
// (meta/v1 Status; client-go looks at `reason` and `code`, people read `message`).
import type { Kind } from '../kinds/kind.ts';
import type { FieldError } from './field-error.ts';

export interface StatusCause {
  reason: string;
  message: string;
  field?: string;
}

export interface StatusDetails {
  name?: string;
  group?: string;
  kind?: string;
  uid?: string;
  causes?: StatusCause[];
  retryAfterSeconds?: number;
}

/** A refused request. Throw it anywhere under the API; the server prints it as a Status. */
export class ApiError extends Error {
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }
}

type KindName = Pick<Kind, 'apiVersion' | 'kind' | 'plural'>;

/** The API group of `group/version`; '' for core. */
export const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '');

const qualified = (name: string, group: string) => (group ? `${name}.${group}` : name);

function aboutResource(kind: KindName, name: string): StatusDetails {
  const group = groupOf(kind.apiVersion);
  return { name, ...(group && { group }), kind: kind.plural };
}

export function notFoundError(kind: KindName, name: string): ApiError {
  const resource = qualified(kind.plural, groupOf(kind.apiVersion));
  return new ApiError(404, 'NotFound', `${resource} "${name}" not found`, aboutResource(kind, name));
}

export const unknownResourceError = (): ApiError =>
  new ApiError(404, 'NotFound', 'the server could not find the requested resource', {});

export function alreadyExistsError(kind: KindName, name: string): ApiError {
  const resource = qualified(kind.plural, groupOf(kind.apiVersion));
  return new ApiError(409, 'AlreadyExists', `${resource} "${name}" already exists`, aboutResource(kind, name));
}

export function conflictError(kind: KindName, name: string, why = changedMeanwhile): ApiError {
  const resource = qualified(kind.plural, groupOf(kind.apiVersion));
  return new ApiError(409, 'Conflict', `Operation cannot be fulfilled on ${resource} "${name}": ${why}`, aboutResource(kind, name));
}
const changedMeanwhile = 'the object has been modified; please apply your changes to the latest version and try again';

/** A uid or resourceVersion precondition that does not hold; details carry the Kind, not the resource. */
export function preconditionError(kind: KindName, name: string, why: string): ApiError {
  const details = { ...aboutResource(kind, name), kind: kind.kind };
  return new ApiError(409, 'Conflict', `Operation cannot be fulfilled on ${kind.kind} "${name}": ${why}`, details);
}

export function invalidError(kind: KindName, name: string, errors: readonly FieldError[]): ApiError {
  const group = groupOf(kind.apiVersion);
  const lines = errors.map((error) => `${error.field}: ${error.message}`);
  const all = lines.length === 1 ? lines[0] : `[${lines.join(', ')}]`;
  const causes = errors.map(({ reason, message, field }) => ({ reason, message, field }));
  const details = { name, ...(group && { group }), kind: kind.kind, causes };
  return new ApiError(422, 'Invalid', `${qualified(kind.kind, group)} "${name}" is invalid: ${all}`, details);
}

export const badRequest = (message: string): ApiError => new ApiError(400, 'BadRequest', message);

export function forbiddenError(kind: KindName, name: string, why: string, causes?: StatusCause[]): ApiError {
  const resource = qualified(kind.plural, groupOf(kind.apiVersion));
  const details = { ...aboutResource(kind, name), ...(causes && { causes }) };
  return new ApiError(403, 'Forbidden', `${resource} "${name}" is forbidden: ${why}`, details);
}

export const unauthorizedError = (): ApiError => new ApiError(401, 'Unauthorized', 'Unauthorized');

export const methodNotAllowed = (): ApiError =>
  new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

export const expiredError = (message: string): ApiError => new ApiError(410, 'Expired', message);

export function futureVersionError(asked: number, current: number): ApiError {
  const text = 'Too large resource version';
  const causes = [{ reason: 'ResourceVersionTooLarge', message: text }];
  return new ApiError(504, 'Timeout', `Timeout: ${text}: ${asked}, current: ${current}`, { causes, retryAfterSeconds: 1 });
}

export const internalError = (message: string): ApiError =>
  new ApiError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ reason: 'InternalError', message }] });
