// Where a Job stands: what its pods have done, and whether that ends it.
import { findCondition, isConditionTrue } from '../../../kube/meaning/conditions.ts';
import type { Job } from '../../../kube/objects/batch.ts';
import type { Pod } from '../../../kube/objects/core.ts';
import { isActive, isReady, isTerminating } from '../workload/pod-state.ts';

export const indexAnnotation = 'batch.kubernetes.io/job-completion-index';

export interface Progress {
  readonly active: readonly Pod[];
  readonly ready: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Indexed Jobs: which indexes are done. */
  readonly doneIndexes: ReadonlySet<number>;
}

export const indexOf = ({ metadata }: Pod): number => Number(metadata.annotations?.[indexAnnotation] ?? -1);
export const isIndexed = ({ spec }: Job): boolean => spec.completionMode === 'Indexed';

const inPhase = (pods: readonly Pod[], phase: string): readonly Pod[] => pods.filter(({ status }) => status?.phase === phase);

/** What was counted once stays counted, though its pod is cleared away. */
export function progressOf(job: Job, pods: readonly Pod[]): Progress {
  const active = pods.filter(isActive);
  const done = inPhase(pods, 'Succeeded');
  const doneIndexes = new Set([...readIndexes(job.status?.completedIndexes), ...done.map(indexOf)].filter((index) => index >= 0 && index < (job.spec.completions ?? 0)));
  const succeeded = isIndexed(job) ? doneIndexes.size : Math.max(job.status?.succeeded ?? 0, done.length);
  const failed = Math.max(job.status?.failed ?? 0, inPhase(pods, 'Failed').filter((pod) => !isTerminating(pod)).length);
  return { active, ready: active.filter(isReady).length, succeeded, failed, doneIndexes };
}

export interface End {
  readonly type: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

export const isOver = ({ status }: Job): boolean => isConditionTrue(status?.conditions, 'Complete') || isConditionTrue(status?.conditions, 'Failed');

/** Undefined while the Job goes on. */
export function endOf(job: Job, { active, succeeded, failed }: Progress, now: Date): End | undefined {
  const { completions, backoffLimit = 6, activeDeadlineSeconds } = job.spec;
  if (completions !== undefined ? succeeded >= completions : succeeded > 0 && active.length === 0) {
    return { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' };
  }
  if (failed + restartsOf(job, active) > backoffLimit) {
    return { type: 'Failed', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  }
  const deadline = deadlineMs(job);
  if (activeDeadlineSeconds !== undefined && deadline !== undefined && deadline <= now.getTime()) {
    return { type: 'Failed', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
  }
  return undefined;
}

/** Containers that start again in their pod count like pods that failed. */
const restartsOf = ({ spec }: Job, active: readonly Pod[]): number =>
  spec.template.spec?.restartPolicy === 'OnFailure' ? active.flatMap(({ status }) => status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0) : 0;

export function deadlineMs({ spec, status }: Job): number | undefined {
  if (spec.activeDeadlineSeconds === undefined || !status?.startTime || spec.suspend) return undefined;
  return Date.parse(status.startTime) + spec.activeDeadlineSeconds * 1000;
}

/** After a failure the next pod waits: ten seconds, doubled with each, six minutes at most. */
export function retryAtMs(pods: readonly Pod[], { failed }: Progress): number {
  const last = Math.max(0, ...inPhase(pods, 'Failed').map(failedAtMs));
  return last === 0 ? 0 : last + Math.min(10_000 * 2 ** (failed - 1), 360_000);
}

function failedAtMs({ status, metadata }: Pod): number {
  const times = (status?.containerStatuses ?? []).map(({ state }) => Date.parse((state as { terminated?: { finishedAt?: string } } | undefined)?.terminated?.finishedAt ?? ''));
  const known = times.filter((time) => !Number.isNaN(time));
  const told = findCondition(status?.conditions, 'Ready')?.lastTransitionTime ?? metadata.creationTimestamp ?? '';
  return known.length > 0 ? Math.max(...known) : Date.parse(told);
}

/** `1,3-5` */
export function printIndexes(indexes: ReadonlySet<number>): string {
  const sorted = [...indexes].toSorted((a, b) => a - b);
  const runs: [number, number][] = [];
  for (const index of sorted) {
    const last = runs.at(-1);
    if (last && last[1] === index - 1) last[1] = index;
    else runs.push([index, index]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : to === from + 1 ? `${from},${to}` : `${from}-${to}`)).join(',');
}

function readIndexes(text: string | undefined): number[] {
  if (!text) return [];
  return text.split(',').flatMap((part) => {
    const [from = 0, to = from] = part.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}
