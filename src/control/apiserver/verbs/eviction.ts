// POST pods/x/eviction: a delete that asks the pod's disruption budget first.
import { ApiError, internalError, notFoundError } from '../../../kube/meaning/api-error.ts';
import { timestamp } from '../../../kube/meaning/conditions.ts';
import { matchesSelector } from '../../../kube/meaning/label-selector.ts';
import type { PodDisruptionBudget } from '../../../kube/objects/batch.ts';
import type { Pod } from '../../../kube/objects/core.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import { type Api, seenObject } from '../api.ts';
import type { Answer, ApiRequest } from '../request.ts';
import type { Target } from '../router.ts';
import { successAnswer } from '../wire/answers.ts';
import { decodeBody } from '../wire/decode.ts';
import { checkDeleteOptions, removeObject } from './delete.ts';

type Eviction = Partial<KubeObject> & { deleteOptions?: Record<string, unknown> };

export async function evictPod(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const { deleteOptions = {} } = (await decodeBody(request, 'Eviction')).value as Eviction;
  const dryRun = [...request.query.getAll('dryRun'), ...((deleteOptions['dryRun'] as string[] | undefined) ?? [])];
  const options = checkDeleteOptions(deleteOptions, dryRun);
  const pod = seenObject(api.store.snapshot(), target) as Pod | undefined;
  if (!pod) throw notFoundError(target.resource.kind, target.name!);
  if (!mayGoUnasked(pod)) await spend(api, pod, options.dryRun);
  await removeObject(api, request, { resource: target.resource, object: pod, options });
  return successAnswer(undefined, 201);
}

/** Pods that serve nobody cost no budget. */
function mayGoUnasked({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp !== undefined || ['Succeeded', 'Failed', 'Pending'].includes(status?.phase ?? 'Pending');
}

const isReady = ({ status }: Pod) => status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;

function budgetOf(api: Api, pod: Pod): PodDisruptionBudget | undefined {
  const budgets = api.registry.find('policy/v1', 'poddisruptionbudgets');
  const all = budgets ? (api.store.snapshot().list(budgets.stored) as readonly PodDisruptionBudget[]) : [];
  const fitting = all.filter(({ metadata, spec }) => metadata.namespace === pod.metadata.namespace && spec?.selector && matchesSelector(spec.selector, pod.metadata.labels));
  if (fitting.length > 1) throw internalError('This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.');
  return fitting[0];
}

const tries = 5;

/** Takes one disruption from the pod's budget. Throws ApiError 429 when it has none. */
async function spend(api: Api, pod: Pod, dryRun: boolean): Promise<void> {
  for (let tried = 1; ; tried++) {
    const budget = budgetOf(api, pod);
    if (!budget || mayGoUnready(budget, pod)) return;
    refuseViolation(budget);
    try {
      await api.store.write({ verb: 'update', object: spent(budget, pod, api.now()), subresource: 'status', dryRun });
      return;
    } catch (error) {
      // Another eviction took from it, or its controller counted anew.
      if (!(error instanceof ApiError) || error.reason !== 'Conflict' || tried === tries) throw error;
    }
  }
}

/** An unready pod goes where the budget's other pods suffice, or where the budget says that such pods always may. */
function mayGoUnready({ spec, status }: PodDisruptionBudget, pod: Pod): boolean {
  if (isReady(pod)) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  return status !== undefined && status.currentHealthy >= status.desiredHealthy && status.desiredHealthy > 0;
}

function refuseViolation({ metadata: { name, generation = 0 }, status }: PodDisruptionBudget): void {
  if ((status?.observedGeneration ?? -1) < generation) {
    throw violation(`The disruption budget ${name} is still being processed by the server.`, 10);
  }
  const { disruptionsAllowed = 0, desiredHealthy = 0, currentHealthy = 0 } = status ?? {};
  if (disruptionsAllowed <= 0) throw violation(`The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`);
}

const violation = (message: string, retryAfterSeconds?: number) =>
  new ApiError(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: 'DisruptionBudget', message }],
    ...(retryAfterSeconds && { retryAfterSeconds }),
  });

function spent(budget: PodDisruptionBudget, pod: Pod, now: Date): PodDisruptionBudget {
  const status = budget.status!;
  const disruptedPods = { ...status.disruptedPods, [pod.metadata.name]: timestamp(now) };
  return { ...budget, status: { ...status, disruptionsAllowed: status.disruptionsAllowed - 1, disruptedPods } };
}
