// The same world reached by other ways: whatever the order and repetition of events, the model must be the same.
import type { KubeObject } from '../../../src/kube/objects/meta.ts';

/** What the watcher saw, one state after another; the last is always the true one. */
export type History = readonly (readonly KubeObject[])[];

export interface Expansion {
  readonly name: string;
  history(objects: readonly KubeObject[]): History;
}

const growing = (objects: readonly KubeObject[]): History => objects.map((_, i) => objects.slice(0, i + 1));

/** A write that changes nothing that matters, as heartbeats and annotators make them. */
const touched = (object: KubeObject): KubeObject => ({ ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, touched: 'yes' } } });

export const expansions: readonly Expansion[] = [
  { name: 'step by step', history: growing },
  { name: 'in reverse order', history: (objects) => growing(objects.toReversed()) },
  { name: 'all at once', history: (objects) => [[], objects] },
  {
    name: 'deleted and added again, one by one',
    history: (objects) => [objects, ...objects.flatMap((gone) => [objects.filter((object) => object !== gone), objects])],
  },
  {
    name: 'every update doubled',
    history: (objects) => [objects, ...objects.map((changed) => objects.map((object) => (object === changed ? touched(object) : object))), objects],
  },
  { name: 'other objects with the same content', history: (objects) => [objects, structuredClone(objects)] },
];
