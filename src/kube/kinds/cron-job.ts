// CronJob: Jobs by the clock. The Jobs are its controller's.
import { printAge } from '../../base/text/duration.ts';
import { type FieldError, invalid, required } from '../meaning/field-error.ts';
import { isZone, parseSchedule } from '../meaning/cron-schedule.ts';
import { printSelector } from '../meaning/label-selector.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { CronJob } from '../objects/batch.ts';
import { ageColumn, nameColumn, none } from './columns.ts';
import { validateJobSpec, withJobDefaults } from './job.ts';
import type { Kind } from './kind.ts';

function setDefaults(cronJob: CronJob): CronJob {
  const { spec } = cronJob;
  const filled: CronJob['spec'] = {
    ...spec,
    suspend: spec?.suspend ?? false,
    concurrencyPolicy: spec?.concurrencyPolicy ?? 'Allow',
    successfulJobsHistoryLimit: spec?.successfulJobsHistoryLimit ?? 3,
    failedJobsHistoryLimit: spec?.failedJobsHistoryLimit ?? 1,
    jobTemplate: { ...spec?.jobTemplate, spec: withJobDefaults(spec?.jobTemplate?.spec) },
  };
  return { ...cronJob, spec: filled };
}

function validateSchedule(schedule: string): FieldError[] {
  if (!schedule) return [required('spec.schedule')];
  if (parseSchedule(schedule)) return [];
  const fields = schedule.trim().split(/\s+/);
  const why = fields.length === 5 ? 'failed to parse a field' : `expected exactly 5 fields, found ${fields.length}: [${fields.join(' ')}]`;
  return [invalid('spec.schedule', schedule, why)];
}

const validateSpec = ({ spec }: CronJob): FieldError[] => [
  ...validateSchedule(spec.schedule),
  ...(spec.timeZone === undefined || isZone(spec.timeZone) ? [] : [invalid('spec.timeZone', spec.timeZone, `unknown time zone ${spec.timeZone}`)]),
  ...validateJobSpec(spec.jobTemplate.spec, 'spec.jobTemplate.spec'),
];

const containers = ({ spec }: CronJob) => spec.jobTemplate?.spec?.template?.spec?.containers ?? [];

export const cronJobKind: Kind<CronJob> = {
  apiVersion: 'batch/v1',
  kind: 'CronJob',
  plural: 'cronjobs',
  shortNames: ['cj'],
  categories: ['all'],
  namespaced: true,
  subresources: ['status'],
  countsGenerations: true,
  columns: [
    nameColumn,
    { name: 'Schedule', type: 'string', cell: ({ spec }) => spec.schedule },
    { name: 'Timezone', type: 'string', cell: ({ spec }) => spec.timeZone ?? none },
    // Clients have always seen a word here, whatever the column's type says.
    { name: 'Suspend', type: 'boolean', cell: ({ spec }) => (spec.suspend ? 'True' : 'False') },
    { name: 'Active', type: 'integer', cell: ({ status }) => status?.active?.length ?? 0 },
    { name: 'Last Schedule', type: 'string', cell: ({ status }, now) => (status?.lastScheduleTime ? printAge(status.lastScheduleTime, now) : none) },
    ageColumn,
    { name: 'Containers', type: 'string', wide: true, cell: (object) => containers(object).map(({ name }) => name).join(',') },
    { name: 'Images', type: 'string', wide: true, cell: (object) => containers(object).map(({ image }) => image ?? '').join(',') },
    { name: 'Selector', type: 'string', wide: true, cell: ({ spec }) => printSelector(spec.jobTemplate?.spec?.selector) || none },
  ],
  setDefaults,
  validate: (cronJob, old) => [...validateObjectMeta(cronJob, { namespaced: true }, old), ...validateSpec(cronJob)],
};
