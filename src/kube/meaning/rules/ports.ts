// Rules for ports that several kinds share, with upstream's texts.
import type { IntOrString } from '../../objects/meta.ts';
import { type FieldError, invalid } from '../field-error.ts';
import { checkPortName, checkPortNumber } from './names.ts';

export const protocols: readonly string[] = ['SCTP', 'TCP', 'UDP'];

/** One Invalid per complaint of a name rule. */
export const allInvalid = (field: string, value: unknown, complaints: readonly string[]): FieldError[] =>
  complaints.map((complaint) => invalid(field, value, complaint));

export const validatePortNumber = (port: number, field: string): FieldError[] => allInvalid(field, port, checkPortNumber(port));

/** A number, or the name of a container port; what was left out is zero. */
export const validatePortReference = (port: IntOrString | undefined, field: string): FieldError[] =>
  typeof port === 'string' ? allInvalid(field, port, checkPortName(port)) : validatePortNumber(port ?? 0, field);
