// The selectors of a request, as one question that can be put to stored objects.
import { fieldMatcher, parseFieldSelector } from '../../../kube/meaning/field-selectors.ts';
import { parseLabelSelector } from '../../../kube/meaning/label-selector-text.ts';
import { isEmptySelector, matchesSelector } from '../../../kube/meaning/label-selector.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Resource } from '../registry.ts';

export type Selects = (object: KubeObject) => boolean;

export interface Selection {
  /** undefined: everything. */
  selects?: Selects;
  /** Set when the selection can hold at most the one object of this name. */
  onlyName?: string;
}

/** Throws ApiError 400. */
export function selectionOf({ kind }: Resource, query: URLSearchParams): Selection {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const terms = parseFieldSelector(query.get('fieldSelector') ?? '');
  if (terms.length === 0 && isEmptySelector(labels)) return {};
  const fieldsMatch = fieldMatcher(kind, terms);
  const onlyName = terms.find(({ field, operator }) => field === 'metadata.name' && operator === '=')?.value;
  const selects: Selects = (object) => fieldsMatch(object) && matchesSelector(labels, object.metadata.labels);
  return { selects, ...(onlyName !== undefined && { onlyName }) };
}
