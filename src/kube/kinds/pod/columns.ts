// What `kubectl get pods` shows. The status word is computed, never stored: it says what hurts most.
import { printAge } from '../../../base/text/duration.ts';
import { isConditionTrue } from '../../meaning/conditions.ts';
import type { ContainerState, ContainerStatus, Pod } from '../../objects/core.ts';
import { ageColumn, nameColumn, none } from '../columns.ts';
import type { Column } from '../kind.ts';

type Ended = NonNullable<ContainerState['terminated']>;

const endingWord = ({ reason, signal, exitCode }: Ended): string => reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);

const sidecarNames = ({ spec }: Pod): Set<string> =>
  new Set((spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always').map(({ name }) => name));

/** Through: ended well, or a sidecar that has started. */
const isThrough = ({ name, state, started }: ContainerStatus, sidecars: ReadonlySet<string>): boolean =>
  state?.terminated?.exitCode === 0 || (sidecars.has(name) && started === true);

/** The word of the first init container that is not through; undefined when all are. */
function initWord({ spec, status }: Pod, sidecars: ReadonlySet<string>): string | undefined {
  const statuses = status?.initContainerStatuses ?? [];
  const at = statuses.findIndex((one) => !isThrough(one, sidecars));
  const { terminated, waiting } = statuses[at]?.state ?? {};
  if (at < 0) return undefined;
  if (terminated) return `Init:${endingWord(terminated)}`;
  const stuck = waiting?.reason && waiting.reason !== 'PodInitializing';
  return stuck ? `Init:${waiting.reason}` : `Init:${at}/${spec.initContainers?.length ?? 0}`;
}

const isRunning = ({ ready, state }: ContainerStatus): boolean => ready && state?.running !== undefined;

const stateWord = ({ waiting, terminated }: ContainerState): string | undefined => waiting?.reason || (terminated && endingWord(terminated));

/** The first container's word wins, whatever the others say. */
function containerWord({ status }: Pod, start: string): string {
  const statuses = status?.containerStatuses ?? [];
  const word = statuses.map(({ state }) => stateWord(state ?? {})).find(Boolean) ?? start;
  if (word !== 'Completed' || !statuses.some(isRunning)) return word;
  return isConditionTrue(status?.conditions, 'Ready') ? 'Running' : 'NotReady';
}

const isOver = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

function startWord({ status }: Pod): string {
  const gated = status?.conditions?.some(({ type, reason }) => type === 'PodScheduled' && reason === 'SchedulingGated');
  return gated ? 'SchedulingGated' : status?.reason || status?.phase || '';
}

export function podWord(pod: Pod): string {
  const word = initWord(pod, sidecarNames(pod)) ?? containerWord(pod, startWord(pod));
  if (!pod.metadata.deletionTimestamp) return word;
  if (pod.status?.reason === 'NodeLost') return 'Unknown';
  return isOver(pod) ? word : 'Terminating';
}

function countedStatuses(pod: Pod): ContainerStatus[] {
  const sidecars = sidecarNames(pod);
  const init = (pod.status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name));
  return [...init, ...(pod.status?.containerStatuses ?? [])];
}

const readyCount = (pod: Pod): string =>
  `${countedStatuses(pod).filter(({ ready }) => ready).length}/${pod.spec.containers.length + sidecarNames(pod).size}`;

/** `3` or `3 (5m ago)`; while init containers run, theirs. */
function restarts(pod: Pod, now: Date): string {
  const statuses = initWord(pod, sidecarNames(pod)) ? (pod.status?.initContainerStatuses ?? []) : countedStatuses(pod);
  const count = statuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
  const last = statuses.flatMap(({ lastState }) => lastState?.terminated?.finishedAt ?? []).toSorted().at(-1);
  return count > 0 && last ? `${count} (${printAge(last, now)} ago)` : String(count);
}

function gates(pod: Pod): string {
  const wanted = pod.spec.readinessGates ?? [];
  if (wanted.length === 0) return none;
  return `${wanted.filter(({ conditionType }) => isConditionTrue(pod.status?.conditions, conditionType)).length}/${wanted.length}`;
}

export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  { name: 'Ready', type: 'string', cell: readyCount },
  { name: 'Status', type: 'string', cell: podWord },
  { name: 'Restarts', type: 'string', cell: restarts },
  ageColumn,
  { name: 'IP', type: 'string', wide: true, cell: ({ status }) => status?.podIPs?.[0]?.ip || status?.podIP || none },
  { name: 'Node', type: 'string', wide: true, cell: ({ spec }) => spec.nodeName || none },
  { name: 'Nominated Node', type: 'string', wide: true, cell: ({ status }) => status?.nominatedNodeName || none },
  { name: 'Readiness Gates', type: 'string', wide: true, cell: gates },
];
