// What is wrong with the form of an object, in the words of the Kubernetes decoder.
// Unknown and duplicate fields are for the client to care about (fieldValidation: warn or refuse);
// a value of the wrong type is always refused.
import { isObject } from '../../base/data/json-value.ts';
import { badRequest } from '../meaning/api-error.ts';
import { messageOf } from '../schema/schema.ts';
import { fieldAt, shapeAt } from '../schema/shape.ts';
import type { Shape } from '../schema/shape.ts';
import { findTypeError } from './check-types.ts';
import { duplicateKeys } from './json-keys.ts';

interface ObjectType {
  apiVersion: string;
  kind: string;
}

const maxFound = 100;

/**
 * `unknown field "spec.prts"`, `duplicate field "metadata.name"`: for strict decoding errors or warnings.
 * Duplicates need the JSON as it was sent; in other text none are sought. A type we have no schema of has no unknown fields.
 */
export function checkFields(type: ObjectType, object: unknown, text?: string): string[] {
  const message = messageOf(type.apiVersion, type.kind);
  const unknown: string[] = [];
  if (message) collectUnknown({ found: unknown, path: '' }, object, { message });
  const twice = text?.trimStart().startsWith('{') ? duplicateKeys(text) : [];
  return [...unknown.map((path) => `unknown field "${path}"`), ...twice.map((path) => `duplicate field "${path}"`)].slice(0, maxFound);
}

function collectUnknown(place: { found: string[]; path: string }, value: unknown, shape: Shape): void {
  if (Array.isArray(value)) {
    value.forEach((item, i) => collectUnknown({ ...place, path: `${place.path}[${i}]` }, item, shape));
    return;
  }
  if (!isObject(value) || place.found.length >= maxFound) return;
  for (const [key, item] of Object.entries(value)) {
    const path = place.path ? `${place.path}.${key}` : key;
    const isKnown = !shape.message || fieldAt(shape, key) !== undefined || (shape.message.typed && (key === 'apiVersion' || key === 'kind'));
    if (isKnown) collectUnknown({ found: place.found, path }, item, shapeAt(shape, key));
    else place.found.push(path);
  }
}

/** Throws ApiError 400 when a value is of the wrong type: `Service in version "v1" cannot be handled as a Service: json: …`. */
export function checkTypes(type: ObjectType, object: unknown): void {
  const message = messageOf(type.apiVersion, type.kind);
  const error = message && findTypeError(object, message);
  if (!error) return;
  const version = type.apiVersion.slice(type.apiVersion.indexOf('/') + 1);
  throw badRequest(`${type.kind} in version "${version}" cannot be handled as a ${type.kind}: ${error}`);
}
