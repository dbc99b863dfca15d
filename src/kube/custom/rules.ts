// Judging objects by the rules of their schema.
import type { FieldError } from '../meaning/field-error.ts';
import type { KubeObject } from '../objects/meta.ts';
import type { JsonSchema } from './json-schema.ts';

/** Placeholder until rules are compiled. */
export const hasRules = (_schema: JsonSchema): boolean => false;
export const validateByRules = (_object: KubeObject, _schema: JsonSchema, _old?: KubeObject): FieldError[] => [];
