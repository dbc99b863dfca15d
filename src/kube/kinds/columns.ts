// The columns that many kinds print alike (`kubectl get`).
import { printAge } from '../../base/text/duration.ts';
import { printSelector, type Selector } from '../meaning/label-selector.ts';
import type { PodTemplateSpec } from '../objects/core.ts';
import type { KubeObject } from '../objects/meta.ts';
import type { Column } from './kind.ts';

export const none = '<none>';

export const nameColumn: Column = { name: 'Name', type: 'string', format: 'name', cell: ({ metadata }) => metadata.name };

export const ageColumn: Column = { name: 'Age', type: 'string', cell: ({ metadata }, now) => printAge(metadata.creationTimestamp, now) };

export const createdAtColumn: Column = { name: 'Created At', type: 'date', cell: ({ metadata }) => metadata.creationTimestamp ?? null };

/** At most `max` of them, then ` + N more...`. */
export function printSome(items: readonly string[], max = 3): string {
  const shown = items.slice(0, max).join(',');
  return items.length > max ? `${shown} + ${items.length - max} more...` : shown;
}

/** `a=1,b=2` or `<none>`. */
export const printPairs = (pairs: Record<string, string> | undefined): string =>
  Object.entries(pairs ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(',') || none;

interface Templated extends KubeObject {
  spec: { template?: PodTemplateSpec };
}

const containersOf = (object: Templated) => object.spec.template?.spec?.containers ?? [];

/** Containers and images of a pod template, and what selects its pods; shown with `-o wide`. */
export const templateColumns: Column<Templated>[] = [
  { name: 'Containers', type: 'string', wide: true, cell: (object) => containersOf(object).map(({ name }) => name).join(',') },
  { name: 'Images', type: 'string', wide: true, cell: (object) => containersOf(object).map(({ image }) => image ?? '').join(',') },
];

export const selectorColumn: Column<Templated & { spec: { selector?: Selector } }> = {
  name: 'Selector',
  type: 'string',
  wide: true,
  cell: ({ spec }) => printSelector(spec.selector) || none,
};
