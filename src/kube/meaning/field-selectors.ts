// Field selectors (`metadata.name=web,spec.clusterIP!=None`): parse, check against a kind, match.
import type { FieldReader, Kind } from '../kinds/kind.ts';
import type { KubeObject } from '../objects/meta.ts';
import { badRequest } from './api-error.ts';

export interface FieldTerm {
  readonly field: string;
  readonly operator: '=' | '!=';
  readonly value: string;
}

const unescape = (text: string): string => text.replace(/\\(.)/g, '$1');

/** Splits at commas that no backslash protects. */
const splitTerms = (text: string): string[] => text.match(/(?:\\.|[^\\,])+/g) ?? [];

const term = /^((?:\\.|[^\\=!])*)(!=|==|=)(.*)$/s;

/** '' reads as []. Throws ApiError 400. */
export function parseFieldSelector(text: string): FieldTerm[] {
  return splitTerms(text).map((part) => {
    const [, field, operator, value] = term.exec(part) ?? [];
    if (field === undefined || value === undefined) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
    return { field: unescape(field.trim()), operator: operator === '!=' ? '!=' : '=', value: unescape(value.trim()) };
  });
}

const everywhere: Readonly<Record<string, FieldReader<KubeObject>>> = {
  'metadata.name': ({ metadata }) => metadata.name,
  'metadata.namespace': ({ metadata }) => metadata.namespace ?? '',
};

/** Throws ApiError 400 for a field the kind does not know. */
export function fieldReader(kind: Kind, field: string): FieldReader<KubeObject> {
  const own = kind.fieldSelectors ?? {};
  const reader = Object.hasOwn(everywhere, field) ? everywhere[field] : Object.hasOwn(own, field) ? own[field] : undefined;
  if (reader) return reader;
  // Two wordings upstream: kinds with selectors of their own, and all others.
  const known = Object.keys(own).length > 0;
  throw badRequest(
    known
      ? `field label not supported: ${field}`
      : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
  );
}

/** A test for objects of the kind; throws ApiError 400 for a field the kind does not know. */
export function fieldMatcher(kind: Kind, terms: readonly FieldTerm[]): (object: KubeObject) => boolean {
  const checks = terms.map(({ field, operator, value }) => {
    const read = fieldReader(kind, field);
    return (object: KubeObject) => (read(object) === value) === (operator === '=');
  });
  return (object) => checks.every((check) => check(object));
}
