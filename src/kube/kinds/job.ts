// Job: pods that run to their end. The pods are its controller's.
import { printDuration } from '../../base/text/duration.ts';
import { isConditionTrue } from '../meaning/conditions.ts';
import { type FieldError, notSupported, required } from '../meaning/field-error.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { Job, JobSpec } from '../objects/batch.ts';
import { ageColumn, nameColumn, selectorColumn, templateColumns } from './columns.ts';
import type { Kind } from './kind.ts';
import { validateCount, withTemplateDefaults } from './workload/template.ts';

const jobDefaults = { parallelism: 1, backoffLimit: 6, completionMode: 'NonIndexed', suspend: false };

/** A Job that names neither completions nor parallelism runs one pod to its end. */
export function withJobDefaults(spec: JobSpec): JobSpec {
  const bothAbsent = spec?.completions === undefined && spec?.parallelism === undefined;
  return { ...jobDefaults, ...(bothAbsent && { completions: 1 }), ...spec, template: withTemplateDefaults(spec?.template) };
}

/** A Job's pods carry its uid, so that no two Jobs ever share one; `manualSelector` says that the user sees to it. */
function withSelector(job: Job): Job {
  const { metadata, spec } = job;
  if (spec.manualSelector || spec.selector || !metadata.uid) return job;
  const labels = {
    'batch.kubernetes.io/controller-uid': metadata.uid,
    'batch.kubernetes.io/job-name': metadata.name,
    'controller-uid': metadata.uid,
    'job-name': metadata.name,
  };
  const template = { ...spec.template, metadata: { ...spec.template?.metadata, labels: { ...spec.template?.metadata?.labels, ...labels } } };
  return { ...job, spec: { ...spec, selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': metadata.uid } }, template } };
}

export function validateJobSpec(spec: JobSpec, field: string): FieldError[] {
  const policy = spec.template?.spec?.restartPolicy ?? '';
  const policies = ['OnFailure', 'Never'];
  return [
    ...validateCount(spec.parallelism, `${field}.parallelism`),
    ...validateCount(spec.completions, `${field}.completions`),
    ...validateCount(spec.backoffLimit, `${field}.backoffLimit`),
    ...(spec.template?.spec?.containers?.length ? [] : [required(`${field}.template.spec.containers`)]),
    ...(policies.includes(policy) ? [] : [notSupported(`${field}.template.spec.restartPolicy`, policy, policies)]),
  ];
}

function statusWord(job: Job): string {
  const { status, spec, metadata } = job;
  const word = ['Complete', 'Failed'].find((type) => isConditionTrue(status?.conditions, type));
  if (word) return word;
  if (metadata.deletionTimestamp) return 'Terminating';
  if (spec.suspend) return 'Suspended';
  return isConditionTrue(status?.conditions, 'FailureTarget') ? 'FailureTarget' : 'Running';
}

function completions({ spec, status }: Job): string {
  const done = status?.succeeded ?? 0;
  if (spec.completions !== undefined) return `${done}/${spec.completions}`;
  return (spec.parallelism ?? 1) > 1 ? `${done}/1 of ${spec.parallelism}` : `${done}/1`;
}

function duration({ status }: Job, now: Date): string {
  if (!status?.startTime) return '';
  const end = status.completionTime ? Date.parse(status.completionTime) : now.getTime();
  return printDuration(end - Date.parse(status.startTime));
}

export const jobKind: Kind<Job> = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  plural: 'jobs',
  shortNames: [],
  categories: ['all'],
  namespaced: true,
  subresources: ['status'],
  countsGenerations: true,
  columns: [
    nameColumn,
    { name: 'Status', type: 'string', cell: statusWord },
    { name: 'Completions', type: 'string', cell: completions },
    { name: 'Duration', type: 'string', cell: duration },
    ageColumn,
    ...templateColumns,
    selectorColumn,
  ],
  fieldSelectors: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
  setDefaults: (job) => withSelector({ ...job, spec: withJobDefaults(job.spec) }),
  prepareUpdate: (job, old) => (job.spec?.selector ? job : { ...job, spec: { ...job.spec, selector: old.spec.selector, template: old.spec.template } }),
  validate: (job, old) => [...validateObjectMeta(job, { namespaced: true }, old), ...validateJobSpec(job.spec, 'spec')],
};
