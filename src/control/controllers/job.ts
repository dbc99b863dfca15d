// Jobs: pods until enough of them have succeeded, or too many failed. Where a Job stands is decided in job/progress.ts.
import { jobKind } from '../../kube/kinds/job.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import { isConditionTrue, setCondition, timestamp } from '../../kube/meaning/conditions.ts';
import type { Job } from '../../kube/objects/batch.ts';
import type { Pod, PodSpec } from '../../kube/objects/core.ts';
import type { Condition } from '../../kube/objects/meta.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { suffixOf } from './hash.ts';
import { deadlineMs, type End, endOf, indexAnnotation, indexOf, isIndexed, isOver, printIndexes, type Progress, progressOf, retryAtMs } from './job/progress.ts';
import { groupOf } from './keep-lists.ts';
import { earliest } from './wake.ts';
import { podFromTemplate } from './workload/pod-from-template.ts';
import { podsByController } from './workload/pod-groups.ts';
import { create, createEvent, remove, updateStatus, withoutAbsent } from './writes.ts';

type Pods = readonly Pod[];
const component = 'job-controller';

export const jobController: Controller = {
  name: 'job',
  reads: [jobKind, podKind],
  decide: (seen, now) => eachJob(seen, (job, pods) => (isOver(job) ? afterEnd(job, pods, now) : goOn(job, pods, now))),
  wakeAfterMs: (seen, now) => earliest(eachJob(seen, (job, pods) => momentsOf(job, pods)).map((at) => at - now.getTime()).filter((ms) => ms > 0)),
};

function eachJob<T>(seen: Snapshot, each: (job: Job, pods: Pods) => readonly T[]): T[] {
  const pods = podsByController(seen.list(podKind));
  return seen.list(jobKind).flatMap((job) => each(job, groupOf(pods, job.metadata.uid)));
}

/** When time alone changes what is to be done. */
function momentsOf(job: Job, pods: Pods): number[] {
  if (isOver(job)) return [expiryMs(job) ?? 0];
  return [deadlineMs(job) ?? 0, retryAtMs(pods, progressOf(job, pods))];
}

function expiryMs({ spec, status }: Job): number | undefined {
  if (spec.ttlSecondsAfterFinished === undefined) return undefined;
  const end = status?.completionTime ?? status?.conditions?.find(({ type, status: is }) => type === 'Failed' && is === 'True')?.lastTransitionTime;
  return end ? Date.parse(end) + spec.ttlSecondsAfterFinished * 1000 : undefined;
}

/** What still runs ends with the Job; the Job itself goes when its time is up. */
function afterEnd(job: Job, pods: Pods, now: Date): Write[] {
  const { active } = progressOf(job, pods);
  const expiry = expiryMs(job);
  const expired = expiry !== undefined && expiry <= now.getTime() && !job.metadata.deletionTimestamp;
  return [...active.map((pod) => remove(pod)), ...(expired ? [remove(job, { propagationPolicy: 'Foreground' })] : [])];
}

function goOn(job: Job, pods: Pods, now: Date): Write[] {
  if (job.metadata.deletionTimestamp) return [];
  const progress = progressOf(job, pods);
  const end = job.spec.suspend ? undefined : endOf(job, progress, now);
  if (end) return [...updateStatus(job, statusAtEnd(job, progress, { end, now })), createEvent(noteOf(job, end), now)];
  const isPaused = retryAtMs(pods, progress) > now.getTime();
  return [...adjust(job, progress, { now, isPaused }), ...updateStatus(job, statusOf(job, progress, now))];
}

const noteOf = (about: Job, { type, reason, message }: End) =>
  type === 'Complete' ? { about, reason: 'Completed', message: 'Job completed', component } : { about, type: 'Warning' as const, reason, message, component };

function adjust(job: Job, progress: Progress, { now, isPaused }: { now: Date; isPaused: boolean }): Write[] {
  const { active, succeeded } = progress;
  const { parallelism = 1, completions, suspend } = job.spec;
  // Without a number of completions the first success says that the work is done: nobody starts any more.
  const left = completions === undefined ? (succeeded > 0 ? active.length : parallelism) : completions - succeeded;
  const wished = suspend ? 0 : Math.min(parallelism, left);
  if (active.length > wished) return active.slice(wished).map((pod) => remove(pod));
  if (isPaused) return [];
  const indexes = isIndexed(job) ? freeIndexes(job, progress) : [];
  return Array.from({ length: wished - active.length }, (_, number) => newPod(job, number, indexes[number])).flatMap((pod) => {
    const message = `Created pod: ${pod.metadata.name}`;
    return [create(pod), createEvent({ about: job, reason: 'SuccessfulCreate', message, component }, now)];
  });
}

function freeIndexes({ spec }: Job, { active, doneIndexes }: Progress): number[] {
  const taken = new Set([...doneIndexes, ...active.map(indexOf)]);
  return Array.from({ length: spec.completions ?? 0 }, (_, index) => index).filter((index) => !taken.has(index));
}

function newPod(job: Job, number: number, index: number | undefined): Pod {
  const { name, uid, resourceVersion } = job.metadata;
  const generateName = index === undefined ? `${name}-` : `${name}-${index}-`;
  const podName = generateName + suffixOf(`${uid}/${resourceVersion}/${number}`);
  if (index === undefined) return podFromTemplate(job, job.spec.template, { name: podName, generateName });
  const pod = podFromTemplate(job, job.spec.template, { name: podName, generateName, labels: { [indexAnnotation]: String(index) }, spec: indexedSpec(job, index) });
  return { ...pod, metadata: { ...pod.metadata, annotations: { ...pod.metadata.annotations, [indexAnnotation]: String(index) } } };
}

function indexedSpec({ metadata, spec }: Job, index: number): Partial<PodSpec> {
  const template = spec.template.spec!;
  const variable = { name: 'JOB_COMPLETION_INDEX', value: String(index) };
  return { hostname: `${metadata.name}-${index}`, containers: template.containers.map((one) => ({ ...one, env: [...(one.env ?? []), variable] })) };
}

type Status = NonNullable<Job['status']>;

function statusOf(job: Job, { active, ready, succeeded, failed, doneIndexes }: Progress, now: Date): Status {
  return withoutAbsent({
    ...job.status,
    startTime: startTime(job, now),
    active: active.length || undefined,
    ready,
    succeeded: succeeded || undefined,
    failed: failed || undefined,
    completedIndexes: printIndexes(doneIndexes) || undefined,
    conditions: withSuspension(job, now),
  });
}

const wasSuspended = ({ status }: Job): boolean => isConditionTrue(status?.conditions, 'Suspended');

/** Its clock begins anew when a suspended Job goes on. */
function startTime(job: Job, now: Date): string | undefined {
  if (job.spec.suspend) return undefined;
  return (wasSuspended(job) ? undefined : job.status?.startTime) ?? timestamp(now);
}

function withSuspension(job: Job, now: Date): Condition[] | undefined {
  const before = job.status?.conditions;
  if (job.spec.suspend) return setCondition(before, { type: 'Suspended', status: 'True', reason: 'JobSuspended', message: 'Job suspended' }, now) as Condition[];
  if (!wasSuspended(job)) return before;
  return setCondition(before, { type: 'Suspended', status: 'False', reason: 'JobResumed', message: 'Job resumed' }, now) as Condition[];
}

function statusAtEnd(job: Job, progress: Progress, { end, now }: { end: End; now: Date }): Status {
  const status = statusOf(job, progress, now);
  const { type, reason, message } = end;
  const first: Condition = { type: type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget', status: 'True', reason, message };
  const conditions = setCondition(setCondition(status.conditions, first, now), { ...first, type }, now) as Condition[];
  return withoutAbsent({ ...status, active: undefined, conditions, completionTime: type === 'Complete' ? timestamp(now) : undefined });
}
