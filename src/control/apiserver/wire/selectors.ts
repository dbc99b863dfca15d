// Label and field selectors as they come in the query: text → a question that can be put to stored objects.
import { badRequest } from '../../../kube/meaning/api-error.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Resource } from '../registry.ts';

export type Selects = (object: KubeObject) => boolean;
type Labels = Readonly<Record<string, string>>;
type LabelTest = (labels: Labels) => boolean;

export interface Selection {
  /** undefined: everything. */
  selects?: Selects;
  /** Set when the selection names exactly one object. */
  onlyName?: string;
}

export function selectionOf(resource: Resource, query: URLSearchParams): Selection {
  const labelTests = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '');
  const fieldTests = fields.map(({ label, value, equal }) => {
    const read = fieldReader(resource, label);
    return (object: KubeObject) => (read(object) === value) === equal;
  });
  if (labelTests.length === 0 && fieldTests.length === 0) return {};
  const named = fields.find(({ label, equal }) => label === 'metadata.name' && equal);
  const selects: Selects = (object) =>
    fieldTests.every((test) => test(object)) && labelTests.every((test) => test(object.metadata.labels ?? {}));
  return { selects, ...(named && { onlyName: named.value }) };
}

// ── labels ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const tokens = /\s*(?:(!=|==|=|!|\(|\)|,|>|<)|([^\s!=(),<>]+))/gy;

function tokenize(text: string): string[] {
  const found: string[] = [];
  tokens.lastIndex = 0;
  for (let match = tokens.exec(text); match; match = tokens.exec(text)) found.push((match[1] ?? match[2])!);
  return found;
}

const isWord = (token: string | undefined): token is string => token !== undefined && !/^[!=(),<>]/.test(token);

const expected = (found: string | undefined, what: string) =>
  badRequest(`unable to parse requirement: found '${found ?? ''}', expected: ${what}`);

/** `a=b,c!=d,e in (f,g),h notin (i),j,!k`; all must hold. Throws ApiError 400. */
export function parseLabelSelector(text: string): LabelTest[] {
  const rest = tokenize(text);
  const tests: LabelTest[] = [];
  while (rest.length > 0) {
    tests.push(parseRequirement(rest));
    const comma = rest.shift();
    if (comma === undefined) break;
    if (comma !== ',') throw expected(comma, ", or 'end of string'");
    if (rest.length === 0) throw expected('', 'identifier');
  }
  return tests;
}

function parseRequirement(rest: string[]): LabelTest {
  const negated = rest[0] === '!' && rest.shift() === '!';
  const key = rest.shift();
  if (!isWord(key)) throw expected(key, 'identifier');
  if (negated) return (labels) => !(key in labels);
  const operator = rest[0];
  if (operator === undefined || operator === ',') return (labels) => key in labels;
  rest.shift();
  if (operator === '=' || operator === '==') return oneOf(key, [readValue(rest)]);
  if (operator === '!=') return noneOf(key, [readValue(rest)]);
  if (operator === 'in') return oneOf(key, readValues(rest));
  if (operator === 'notin') return noneOf(key, readValues(rest));
  if (operator === '>' || operator === '<') return compares(key, operator, Number(readValue(rest)));
  throw expected(operator, "in, notin, =, ==, !=, gt, lt");
}

const oneOf = (key: string, values: readonly string[]): LabelTest => (labels) => key in labels && values.includes(labels[key]!);
const noneOf = (key: string, values: readonly string[]): LabelTest => (labels) => !(key in labels && values.includes(labels[key]!));
const compares = (key: string, operator: '>' | '<', limit: number): LabelTest => (labels) => {
  const value = Number(labels[key] ?? Number.NaN);
  return operator === '>' ? value > limit : value < limit;
};

function readValue(rest: string[]): string {
  if (rest.length === 0 || rest[0] === ',') return '';
  const value = rest.shift();
  if (!isWord(value)) throw expected(value, 'identifier');
  return value;
}

function readValues(rest: string[]): string[] {
  const open = rest.shift();
  if (open !== '(') throw expected(open, "'('");
  const values: string[] = [];
  for (;;) {
    if (rest[0] === ')' || rest[0] === ',') values.push('');
    else values.push(readValue(rest));
    const next = rest.shift();
    if (next === ')') return values;
    if (next !== ',') throw expected(next, "',' or ')'");
  }
}

// ── fields ──────────────────────────────────────────────────────────────────────────────────────────────────────────

interface FieldRequirement {
  label: string;
  value: string;
  equal: boolean;
}

/** `metadata.name=a,spec.type!=b`; a backslash keeps the next comma, equals sign or backslash. */
export function parseFieldSelector(text: string): FieldRequirement[] {
  const parts = text.match(/(?:\\.|[^,\\])+/g) ?? [];
  return parts.map((part) => {
    const match = /^([^=!]+?)\s*(!=|==|=)(.*)$/.exec(part.trim());
    if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
    return { label: match[1]!.trim(), equal: match[2] !== '!=', value: match[3]!.replace(/\\(.)/g, '$1') };
  });
}

const everyKind: Readonly<Record<string, (object: KubeObject) => string>> = {
  'metadata.name': ({ metadata }) => metadata.name,
  'metadata.namespace': ({ metadata }) => metadata.namespace ?? '',
};

function fieldReader({ kind }: Resource, label: string): (object: KubeObject) => string {
  const read = everyKind[label] ?? kind.fieldSelectors?.[label];
  if (read) return read;
  if (kind.fieldSelectors) throw badRequest(`field label not supported: ${label}`);
  throw badRequest(`"${label}" is not a known field selector: only "metadata.name", "metadata.namespace"`);
}
