// PodTemplate: a description of pods that programs keep for themselves.
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { PodTemplate } from '../objects/core.ts';
import { nameColumn, printPairs } from './columns.ts';
import type { Kind } from './kind.ts';

const containersOf = ({ template }: PodTemplate) => template?.spec?.containers ?? [];

export const podTemplateKind: Kind<PodTemplate> = {
  apiVersion: 'v1',
  kind: 'PodTemplate',
  plural: 'podtemplates',
  shortNames: [],
  namespaced: true,
  countsGenerations: true,
  answersDeletedObject: true,
  columns: [
    nameColumn,
    { name: 'Containers', type: 'string', cell: (object) => containersOf(object).map(({ name }) => name).join(',') },
    { name: 'Images', type: 'string', cell: (object) => containersOf(object).map(({ image }) => image ?? '').join(',') },
    { name: 'Pod Labels', type: 'string', cell: ({ template }) => printPairs(template?.metadata?.labels) },
  ],
  validate: (template, old) => validateObjectMeta(template, { namespaced: true }, old),
};
