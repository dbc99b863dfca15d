// Objects as text. Stored objects are immutable, so the text of each is made once and remembered by identity;
// lists and watch events are put together from those texts.
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Resource } from '../registry.ts';

const bodies = new WeakMap<KubeObject, string>();

/** The object's JSON without kind, apiVersion and the opening brace. */
function bodyText(object: KubeObject): string {
  let text = bodies.get(object);
  if (text === undefined) {
    const { apiVersion: _, kind: __, ...rest } = object;
    text = JSON.stringify(rest).slice(1);
    bodies.set(object, text);
  }
  return text;
}

const typed = (kind: string, apiVersion: string, body: string) =>
  `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)}${body === '}' ? '' : ','}${body}`;

/** The object as served (a view is turned first). */
export function printObject(resource: Resource, stored: KubeObject): string {
  const object = resource.fromStored(stored);
  return typed(resource.kind.kind, resource.kind.apiVersion, bodyText(object));
}

/** Built-in list items carry no kind and apiVersion: the list says it once. Custom ones do. */
const printItem = (resource: Resource, stored: KubeObject): string =>
  resource.kind.ownFields ? printObject(resource, stored) : `{${bodyText(resource.fromStored(stored))}`;

export const partialOf = (object: KubeObject, version: string) => ({
  kind: 'PartialObjectMetadata',
  apiVersion: `meta.k8s.io/${version}`,
  metadata: object.metadata,
});

export const printPartial = (object: KubeObject, version: string): string => JSON.stringify(partialOf(object, version));

export interface ListMeta {
  resourceVersion: string;
  continue?: string;
  remainingItemCount?: number;
}

export function printList(resource: Resource, items: readonly KubeObject[], metadata: ListMeta): string {
  const { kind, apiVersion, listKind = `${kind}List` } = resource.kind;
  const texts = items.map((item) => printItem(resource, item)).join(',');
  return `${typed(listKind, apiVersion, `"metadata":${JSON.stringify(metadata)},"items":[`)}${texts}]}`;
}

export function printPartialList(items: readonly KubeObject[], metadata: ListMeta, version: string): string {
  const texts = items.map((item) => printPartial(item, version)).join(',');
  return `${typed('PartialObjectMetadataList', `meta.k8s.io/${version}`, `"metadata":${JSON.stringify(metadata)},"items":[`)}${texts}]}`;
}
