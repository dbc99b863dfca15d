// Whether the rules of a schema can be compiled; until there is a compiler, all of them can.
import type { FieldError } from '../../meaning/field-error.ts';
import type { JsonSchema } from '../json-schema.ts';

/** Placeholder until rules are compiled. */
export const validateRules = (_schema: JsonSchema, _field: string): FieldError[] => [];
