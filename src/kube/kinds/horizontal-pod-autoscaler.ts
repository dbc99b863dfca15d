// HorizontalPodAutoscaler (v2): kept and shown; nothing here measures load.
import { type FieldError, invalid, required } from '../meaning/field-error.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { HorizontalPodAutoscaler } from '../objects/batch.ts';
import { ageColumn, nameColumn, none } from './columns.ts';
import type { Kind } from './kind.ts';

function setDefaults(scaler: HorizontalPodAutoscaler): HorizontalPodAutoscaler {
  const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } };
  return { ...scaler, spec: { ...scaler.spec, minReplicas: scaler.spec?.minReplicas ?? 1, metrics: scaler.spec?.metrics ?? [cpu] } };
}

function validateSpec({ spec }: HorizontalPodAutoscaler): FieldError[] {
  const { minReplicas = 1, maxReplicas = 0, scaleTargetRef: target } = spec;
  const errors: FieldError[] = [];
  if (minReplicas < 1) errors.push(invalid('spec.minReplicas', minReplicas, 'must be greater than or equal to 1'));
  if (maxReplicas < 1) errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than 0'));
  if (maxReplicas < minReplicas) errors.push(invalid('spec.maxReplicas', maxReplicas, 'must be greater than or equal to `minReplicas`'));
  if (!target?.kind) errors.push(required('spec.scaleTargetRef.kind'));
  if (!target?.name) errors.push(required('spec.scaleTargetRef.name'));
  return errors;
}

/** `cpu: <unknown>/80%`: the current value is known to nobody here. */
const targets = ({ spec }: HorizontalPodAutoscaler): string =>
  (spec.metrics ?? []).flatMap(({ resource }) => (resource ? `${resource.name}: <unknown>/${resource.target.averageUtilization ?? '?'}%` : [])).join(', ') || none;

export const horizontalPodAutoscalerKind: Kind<HorizontalPodAutoscaler> = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
  shortNames: ['hpa'],
  categories: ['all'],
  namespaced: true,
  subresources: ['status'],
  columns: [
    nameColumn,
    { name: 'Reference', type: 'string', cell: ({ spec }) => `${spec.scaleTargetRef.kind}/${spec.scaleTargetRef.name}` },
    { name: 'Targets', type: 'string', cell: targets },
    { name: 'MinPods', type: 'string', cell: ({ spec }) => String(spec.minReplicas ?? '<unset>') },
    { name: 'MaxPods', type: 'string', cell: ({ spec }) => spec.maxReplicas },
    { name: 'Replicas', type: 'string', cell: ({ status }) => status?.currentReplicas ?? 0 },
    ageColumn,
  ],
  setDefaults,
  validate: (scaler, old) => [...validateObjectMeta(scaler, { namespaced: true }, old), ...validateSpec(scaler)],
};
