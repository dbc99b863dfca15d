// CronJobs: a Job whenever the schedule comes due, and no more old ones than wanted.
import { cronJobKind } from '../../kube/kinds/cron-job.ts';
import { jobKind } from '../../kube/kinds/job.ts';
import { isConditionTrue, timestamp } from '../../kube/meaning/conditions.ts';
import { controllerReference } from '../../kube/meaning/owner-references.ts';
import type { CronJob, Job } from '../../kube/objects/batch.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { lastDue, nextDue, parseSchedule } from '../../kube/meaning/cron-schedule.ts';
import { isOver } from './job/progress.ts';
import { groupOf } from './keep-lists.ts';
import { earliest } from './wake.ts';
import { byController } from './workload/pod-groups.ts';
import { create, createEvent, remove, updateStatus, withoutAbsent } from './writes.ts';

const jobsByController = byController<Job>();
const component = 'cronjob-controller';
type Jobs = readonly Job[];

export const cronJobController: Controller = {
  name: 'cron-job',
  reads: [cronJobKind, jobKind],
  decide(seen, now) {
    const jobs = jobsByController(seen.list(jobKind));
    return seen.list(cronJobKind).flatMap((cronJob) => lead(cronJob, groupOf(jobs, cronJob.metadata.uid), { seen, now }));
  },
  wakeAfterMs: (seen, now) => earliest(seen.list(cronJobKind).map((cronJob) => nextMs(cronJob, now))),
};

function nextMs({ spec, metadata }: CronJob, now: Date): number | undefined {
  const schedule = parseSchedule(spec.schedule);
  if (!schedule || spec.suspend || metadata.deletionTimestamp) return undefined;
  const next = nextDue(schedule, now.getTime(), spec.timeZone);
  return next && next - now.getTime();
}

function lead(cronJob: CronJob, jobs: Jobs, { seen, now }: { seen: Snapshot; now: Date }): Write[] {
  if (cronJob.metadata.deletionTimestamp) return [];
  const due = dueAt(cronJob, now);
  const active = jobs.filter((job) => !isOver(job));
  const start = due === undefined ? undefined : startAt(cronJob, active, { due, seen, now });
  const isStarted = start !== undefined;
  return [
    ...(start ?? []),
    ...tooOld(cronJob, jobs).map((job) => remove(job, { propagationPolicy: 'Background' })),
    ...updateStatus(cronJob, statusOf(cronJob, jobs, { active, due: isStarted ? due : undefined })),
  ];
}

/** The last moment that came due and has not been served. */
function dueAt({ spec, status, metadata }: CronJob, now: Date): number | undefined {
  const schedule = parseSchedule(spec.schedule);
  if (!schedule || spec.suspend) return undefined;
  const since = Date.parse(status?.lastScheduleTime ?? metadata.creationTimestamp ?? '') || 0;
  const { startingDeadlineSeconds } = spec;
  const deadline = startingDeadlineSeconds === undefined ? 0 : now.getTime() - startingDeadlineSeconds * 1000;
  return lastDue(schedule, Math.max(since, deadline), now.getTime(), spec.timeZone);
}

/** Undefined: not now, because the last one still runs and must not be disturbed. */
function startAt(cronJob: CronJob, active: Jobs, { due, seen, now }: { due: number; seen: Snapshot; now: Date }): Write[] | undefined {
  const { concurrencyPolicy } = cronJob.spec;
  if (concurrencyPolicy === 'Forbid' && active.length > 0) return undefined;
  const replaced = concurrencyPolicy === 'Replace' ? active : [];
  const job = jobAt(cronJob, due);
  const isThere = seen.get(jobKind, job.metadata.name, job.metadata.namespace) !== undefined;
  const message = `Created job ${job.metadata.name}`;
  return [
    ...replaced.filter(({ metadata }) => metadata.name !== job.metadata.name).map((old) => remove(old, { propagationPolicy: 'Background' })),
    ...(isThere ? [] : [create(job), createEvent({ about: cronJob, reason: 'SuccessfulCreate', message, component }, now)]),
  ];
}

/** Named after its minute, so that two controllers make one Job. */
function jobAt(cronJob: CronJob, due: number): Job {
  const { metadata, spec } = cronJob.spec.jobTemplate;
  const annotations = { ...metadata?.annotations, 'batch.kubernetes.io/cronjob-scheduled-timestamp': timestamp(new Date(due)) };
  const { name, namespace } = cronJob.metadata;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: `${name}-${Math.floor(due / 60_000)}`, namespace: namespace!, ...(metadata?.labels && { labels: metadata.labels }), annotations, ownerReferences: [controllerReference(cronJob)] },
    spec,
  };
}

function tooOld({ spec }: CronJob, jobs: Jobs): Jobs {
  const over = (type: string) => jobs.filter(({ status, metadata }) => isConditionTrue(status?.conditions, type) && !metadata.deletionTimestamp).toSorted(oldestFirst);
  const beyond = (list: Jobs, limit: number) => list.slice(0, Math.max(0, list.length - limit));
  return [...beyond(over('Complete'), spec.successfulJobsHistoryLimit ?? 3), ...beyond(over('Failed'), spec.failedJobsHistoryLimit ?? 1)];
}

const oldestFirst = (a: Job, b: Job): number => (a.status?.startTime ?? '').localeCompare(b.status?.startTime ?? '') || a.metadata.name.localeCompare(b.metadata.name);

function statusOf({ status }: CronJob, jobs: Jobs, { active, due }: { active: Jobs; due?: number }): NonNullable<CronJob['status']> {
  const ends = jobs.flatMap((job) => job.status?.completionTime ?? []).toSorted();
  const references = active.map(({ apiVersion, kind, metadata: { name, namespace, uid } }) => ({ kind, namespace, name, uid, apiVersion }));
  const last = [status?.lastSuccessfulTime, ends.at(-1)].filter((time) => time !== undefined).toSorted().at(-1);
  return withoutAbsent({
    ...status,
    active: references.length > 0 ? references : undefined,
    lastScheduleTime: due === undefined ? status?.lastScheduleTime : timestamp(new Date(due)),
    lastSuccessfulTime: last,
  });
}
