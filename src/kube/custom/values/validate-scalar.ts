// What a schema may ask of a single text or number.
import { type FieldError, invalid, tooLong, typeInvalid } from '../../meaning/field-error.ts';
import { hasFormat } from './formats.ts';
import type { JsonSchema } from '../json-schema.ts';
import { matchesPattern } from './pattern.ts';

const inBody = (path: string): string => `${path} in body`;

/** Lengths count characters, not UTF-16 units. */
const characters = (text: string): number => {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
};

export function checkString(text: string, schema: JsonSchema, path: string): FieldError[] {
  const { maxLength, minLength, pattern, format } = schema;
  const errors: FieldError[] = [];
  const isLong = maxLength !== undefined && text.length > maxLength && characters(text) > maxLength;
  if (isLong) errors.push(tooLong(path, maxLength));
  if (minLength !== undefined && characters(text) < minLength) {
    errors.push(invalid(path, text, `${inBody(path)} should be at least ${minLength} chars long`));
  }
  if (pattern && !matchesPattern(text, pattern)) errors.push(invalid(path, text, `${inBody(path)} should match '${pattern}'`));
  if (format && !hasFormat(text, format)) errors.push(typeInvalid(path, text, `${inBody(path)} must be of type ${format}: ${JSON.stringify(text)}`));
  return errors;
}

export function checkNumber(value: number, schema: JsonSchema, path: string): FieldError[] {
  const wished = [tooLarge(value, schema), tooSmall(value, schema), notMultiple(value, schema)].filter((text) => text !== undefined);
  const errors = wished.map((text) => invalid(path, value, `${inBody(path)} should be ${text}`));
  const limit = 2 ** 31;
  const isWide = schema.format === 'int32' && (value < -limit || value >= limit);
  return isWide ? [...errors, typeInvalid(path, value, `${inBody(path)} must be of type int32: "integer"`)] : errors;
}

function tooLarge(value: number, { maximum, exclusiveMaximum }: JsonSchema): string | undefined {
  if (maximum === undefined || value < maximum || (value === maximum && !exclusiveMaximum)) return undefined;
  return `less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`;
}

function tooSmall(value: number, { minimum, exclusiveMinimum }: JsonSchema): string | undefined {
  if (minimum === undefined || value > minimum || (value === minimum && !exclusiveMinimum)) return undefined;
  return `greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`;
}

const notMultiple = (value: number, { multipleOf }: JsonSchema): string | undefined =>
  multipleOf && !Number.isInteger(value / multipleOf) ? `a multiple of ${multipleOf}` : undefined;
