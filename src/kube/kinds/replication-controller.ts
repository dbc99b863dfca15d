// ReplicationController: the ancestor of ReplicaSet; kept and shown for clients that still ask.
import { printPairs, ageColumn, nameColumn, templateColumns } from './columns.ts';
import type { Kind } from './kind.ts';
import { required, type FieldError } from '../meaning/field-error.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { ReplicationController } from '../objects/core.ts';
import { validateCount, withTemplateDefaults } from './workload/template.ts';

const isEmpty = (pairs: Record<string, string> | undefined): boolean => Object.keys(pairs ?? {}).length === 0;

/** Without a selector the template's labels are meant. */
function setDefaults(controller: ReplicationController): ReplicationController {
  const spec = controller.spec ?? {};
  const template = spec.template && withTemplateDefaults(spec.template);
  const selector = isEmpty(spec.selector) ? template?.metadata?.labels : spec.selector;
  return { ...controller, spec: { ...spec, replicas: spec.replicas ?? 1, ...(selector && { selector }), ...(template && { template }) } };
}

const validateSpec = ({ spec }: ReplicationController): FieldError[] => [
  ...validateCount(spec?.replicas, 'spec.replicas'),
  ...(isEmpty(spec?.selector) ? [required('spec.selector')] : []),
  ...(spec?.template ? [] : [required('spec.template')]),
];

export const replicationControllerKind: Kind<ReplicationController> = {
  apiVersion: 'v1',
  kind: 'ReplicationController',
  plural: 'replicationcontrollers',
  shortNames: ['rc'],
  categories: ['all'],
  namespaced: true,
  subresources: ['status', 'scale'],
  countsGenerations: true,
  columns: [
    nameColumn,
    { name: 'Desired', type: 'integer', cell: ({ spec }) => spec?.replicas ?? 1 },
    { name: 'Current', type: 'integer', cell: ({ status }) => status?.replicas ?? 0 },
    { name: 'Ready', type: 'integer', cell: ({ status }) => status?.readyReplicas ?? 0 },
    ageColumn,
    ...templateColumns,
    { name: 'Selector', type: 'string', wide: true, cell: ({ spec }) => printPairs(spec?.selector) },
  ],
  fieldSelectors: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  setDefaults,
  validate: (controller, old) => [...validateObjectMeta(controller, { namespaced: true }, old), ...validateSpec(controller)],
};
