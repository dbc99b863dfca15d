// The selectors of a request, as one question that can be put to stored objects.
import type { Kind } from '../../../kube/kinds/kind.ts';
import { fieldMatcher, fieldReader, type FieldTerm, parseFieldSelector } from '../../../kube/meaning/field-selectors.ts';
import { parseLabelSelector } from '../../../kube/meaning/label-selector-text.ts';
import { isEmptySelector, matchesSelector } from '../../../kube/meaning/label-selector.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Resource } from '../registry.ts';

export type Selects = (object: KubeObject) => boolean;

/** What must hold of every object that a selection lets through. Those of one name read the same. */
export interface Trigger {
  readonly name: string;
  readonly value: string;
  read(object: KubeObject): string;
}

export interface Selection {
  /** undefined: everything. */
  selects?: Selects;
  /** Set when the selection can hold at most the one object of this name. */
  onlyName?: string;
  trigger?: Trigger;
}

/** Throws ApiError 400. */
export function selectionOf({ kind }: Resource, query: URLSearchParams): Selection {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const terms = parseFieldSelector(query.get('fieldSelector') ?? '');
  if (terms.length === 0 && isEmptySelector(labels)) return {};
  const fieldsMatch = fieldMatcher(kind, terms);
  const onlyName = terms.find(({ field, operator }) => field === 'metadata.name' && operator === '=')?.value;
  const selects: Selects = (object) => fieldsMatch(object) && matchesSelector(labels, object.metadata.labels);
  const trigger = triggerOf(kind, terms);
  return { selects, ...(onlyName !== undefined && { onlyName }), ...(trigger && { trigger }) };
}

function triggerOf(kind: Kind, terms: readonly FieldTerm[]): Trigger | undefined {
  const term = terms.find(({ operator }) => operator === '=');
  return term && { name: `${kind.apiVersion} ${term.field}`, value: term.value, read: fieldReader(kind, term.field) };
}
