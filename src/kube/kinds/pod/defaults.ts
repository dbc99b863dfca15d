// What the API fills into a pod's specification; workloads' templates get the same, pods a little more.
import type { Container, LifecycleHandler, Pod, PodSpec, Probe, Toleration, Volume } from '../../objects/core.ts';

/** Explicit tags other than `latest`, and digests, need not be asked for again. */
export function pullPolicyFor(image = ''): 'Always' | 'IfNotPresent' {
  const last = image.slice(image.lastIndexOf('/') + 1);
  if (last.includes('@')) return 'IfNotPresent';
  const tag = last.includes(':') ? last.slice(last.indexOf(':') + 1) : 'latest';
  return tag === 'latest' ? 'Always' : 'IfNotPresent';
}

const httpDefaults = (get: Probe['httpGet']): Probe['httpGet'] => get && { ...get, path: get.path || '/', scheme: get.scheme || 'HTTP' };

function withProbeDefaults(probe: Probe): Probe {
  return {
    ...probe,
    ...(probe.httpGet && { httpGet: httpDefaults(probe.httpGet) }),
    ...(probe.grpc && { grpc: { ...probe.grpc, service: probe.grpc.service ?? '' } }),
    timeoutSeconds: probe.timeoutSeconds || 1,
    periodSeconds: probe.periodSeconds || 10,
    successThreshold: probe.successThreshold || 1,
    failureThreshold: probe.failureThreshold || 3,
  };
}

const withHandlerDefaults = (handler: LifecycleHandler): LifecycleHandler =>
  handler.httpGet ? { ...handler, httpGet: httpDefaults(handler.httpGet) } : handler;

function probesOf(container: Container): Partial<Container> {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
  return {
    ...(livenessProbe && { livenessProbe: withProbeDefaults(livenessProbe) }),
    ...(readinessProbe && { readinessProbe: withProbeDefaults(readinessProbe) }),
    ...(startupProbe && { startupProbe: withProbeDefaults(startupProbe) }),
    ...(lifecycle && {
      lifecycle: {
        ...(lifecycle.postStart && { postStart: withHandlerDefaults(lifecycle.postStart) }),
        ...(lifecycle.preStop && { preStop: withHandlerDefaults(lifecycle.preStop) }),
      },
    }),
  };
}

const withEnvDefaults = (env: Container['env']): Container['env'] =>
  env?.map((variable) => {
    const { fieldRef } = variable.valueFrom ?? {};
    if (!fieldRef || fieldRef.apiVersion) return variable;
    return { ...variable, valueFrom: { ...variable.valueFrom, fieldRef: { apiVersion: 'v1', ...fieldRef } } };
  });

/** What is limited is also requested, unless said otherwise. */
const withRequests = (resources: Container['resources'] = {}): Container['resources'] =>
  resources.limits ? { ...resources, requests: { ...resources.limits, ...resources.requests } } : resources;

function withContainerDefaults(container: Container, hostNetwork: boolean | undefined): Container {
  const ports = container.ports?.map((port) => ({
    ...port,
    protocol: port.protocol || ('TCP' as const),
    ...(hostNetwork && !port.hostPort && { hostPort: port.containerPort }),
  }));
  return {
    ...container,
    ...(ports && { ports }),
    ...(container.env && { env: withEnvDefaults(container.env) }),
    ...probesOf(container),
    resources: withRequests(container.resources),
    terminationMessagePath: container.terminationMessagePath || '/dev/termination-log',
    terminationMessagePolicy: container.terminationMessagePolicy || 'File',
    imagePullPolicy: container.imagePullPolicy || pullPolicyFor(container.image),
  };
}

const fileMode = 0o644;

function withVolumeDefaults(volume: Volume): Volume {
  const { configMap, secret, projected, downwardAPI, hostPath } = volume;
  if (configMap) return { ...volume, configMap: { defaultMode: fileMode, ...configMap } };
  if (secret) return { ...volume, secret: { defaultMode: fileMode, ...secret } };
  if (projected) return { ...volume, projected: { defaultMode: fileMode, ...projected } };
  if (downwardAPI) return { ...volume, downwardAPI: { defaultMode: fileMode, ...downwardAPI } };
  if (hostPath) return { ...volume, hostPath: { type: '', ...hostPath } };
  return Object.keys(volume).length > 1 ? volume : { ...volume, emptyDir: {} };
}

/** For pods and for templates. */
export function withPodSpecDefaults(spec: PodSpec): PodSpec {
  const containersOf = (containers: Container[]) => containers.map((container) => withContainerDefaults(container, spec.hostNetwork));
  const account = spec.serviceAccountName || spec.serviceAccount;
  return {
    ...spec,
    containers: containersOf(spec.containers ?? []),
    ...(spec.initContainers && { initContainers: containersOf(spec.initContainers) }),
    ...(spec.volumes && { volumes: spec.volumes.map(withVolumeDefaults) }),
    // Two names of one field; the older is deprecated and still read by some.
    ...(account && { serviceAccountName: account, serviceAccount: account }),
    restartPolicy: spec.restartPolicy || 'Always',
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? 30,
    dnsPolicy: spec.dnsPolicy || 'ClusterFirst',
    securityContext: spec.securityContext ?? {},
    schedulerName: spec.schedulerName || 'default-scheduler',
  };
}

const graceOnLoss = 300;

/** A pod whose node is lost stays for five minutes, unless it says something about that itself. */
function withTolerations(tolerations: readonly Toleration[] = []): Toleration[] {
  const speaksOf = (key: string) =>
    tolerations.some((own) => (!own.key || own.key === key) && (!own.effect || own.effect === 'NoExecute'));
  const added = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].filter((key) => !speaksOf(key));
  return [
    ...tolerations,
    ...added.map((key) => ({ key, operator: 'Exists' as const, effect: 'NoExecute', tolerationSeconds: graceOnLoss })),
  ];
}

const priorities: Readonly<Record<string, number>> = { 'system-node-critical': 2_000_001_000, 'system-cluster-critical': 2_000_000_000 };

/** Guaranteed: every container limited in both and asking for just that; BestEffort: nobody asks for anything. */
export function qosClassOf({ containers, initContainers = [] }: PodSpec): string {
  const resources = [...containers, ...initContainers].map((container) => container.resources ?? {});
  const asked = resources.flatMap(({ requests = {}, limits = {} }) => [...Object.keys(requests), ...Object.keys(limits)]);
  if (!asked.some((name) => name === 'cpu' || name === 'memory')) return 'BestEffort';
  const isExact = resources.every(({ requests = {}, limits = {} }) =>
    ['cpu', 'memory'].every((name) => limits[name] !== undefined && String(requests[name] ?? limits[name]) === String(limits[name])),
  );
  return isExact ? 'Guaranteed' : 'Burstable';
}

/** A pod also gets what upstream's admission adds: account, tolerations, priority. */
export function setPodDefaults(pod: Pod): Pod {
  const filled = withPodSpecDefaults(pod.spec ?? { containers: [] });
  const account = filled.serviceAccountName || 'default';
  const spec: PodSpec = {
    ...filled,
    serviceAccountName: account,
    serviceAccount: account,
    enableServiceLinks: filled.enableServiceLinks ?? true,
    tolerations: withTolerations(filled.tolerations),
    priority: filled.priority ?? priorities[filled.priorityClassName ?? ''] ?? 0,
    preemptionPolicy: filled.preemptionPolicy ?? 'PreemptLowerPriority',
  };
  return { ...pod, spec, status: { phase: 'Pending', qosClass: qosClassOf(spec), ...pod.status } };
}
