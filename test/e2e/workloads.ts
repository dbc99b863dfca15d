// What tests ask of workloads on a whole cluster: which pods are ready, what the slices say, who answered a request.
import { eventually, type Ran, type RunningCluster } from './running-cluster.ts';

export interface PodView {
  metadata: { name: string; namespace: string; uid: string; labels: Record<string, string>; deletionTimestamp?: string };
  spec: { nodeName: string };
  status: { podIP?: string; podIPs?: { ip: string }[]; phase: string; conditions?: { type: string; status: string }[] };
}

export interface EndpointView {
  addresses: string[];
  conditions: { ready?: boolean; serving?: boolean; terminating?: boolean };
  targetRef?: { name: string };
}

interface SliceView {
  addressType: 'IPv4' | 'IPv6';
  endpoints?: EndpointView[];
  ports?: { name?: string; port?: number }[];
}

type List<T> = { items: T[] };

export const isReady = (pod: PodView): boolean => pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

export const podsOf = async (cluster: RunningCluster, args: string): Promise<PodView[]> => (await cluster.get<List<PodView>>(`pods ${args}`)).items;

/** Waits until exactly so many pods exist and all are ready and none is leaving. `args`: `-l app=web -n other`. */
export const readyPods = (cluster: RunningCluster, args: string, count: number): Promise<PodView[]> =>
  eventually(
    `${count} ready pods of ${args}`,
    () => podsOf(cluster, args),
    (list) => list.length === count && list.every((pod) => isReady(pod) && !pod.metadata.deletionTimestamp),
    30_000,
  );

/** Everything that runs by itself in kube-system is up: names resolve, Ingresses are served. */
export async function systemReady(cluster: RunningCluster): Promise<void> {
  await cluster.ok('rollout status -n kube-system deployment/coredns --timeout=30s');
  const daemonSets = (await cluster.ok('get daemonsets -n kube-system -o name')).trim().split('\n');
  for (const name of daemonSets) await cluster.ok(`rollout status -n kube-system ${name} --timeout=30s`);
}

export const slicesOf = async (cluster: RunningCluster, service: string, namespace = 'default'): Promise<SliceView[]> =>
  (await cluster.get<List<SliceView>>(`endpointslices -n ${namespace} -l kubernetes.io/service-name=${service}`)).items;

/** `address:port` of every ready endpoint, sorted. */
export async function endpointsOf(cluster: RunningCluster, service: string, namespace = 'default'): Promise<string[]> {
  const slices = await slicesOf(cluster, service, namespace);
  const ready = slices.flatMap(({ endpoints = [], ports = [] }) =>
    endpoints.filter(({ conditions }) => conditions.ready !== false).flatMap(({ addresses }) => ports.map(({ port }) => `${addresses[0]}:${port}`)),
  );
  return ready.toSorted();
}

/** Status and body of one request by curl; status 0 when there was no answer. */
export interface Answer {
  status: number;
  body: string;
  curlCode: number;
}

const readAnswer = ({ stdout, code }: Ran): Answer => {
  const [, body = '', status = '0'] = /^([^]*)\n(\d{3})$/.exec(stdout.trim()) ?? [];
  return { status: Number(status), body, curlCode: code };
};

const curlCommand = (url: string, more: string) => `curl -sS -k --max-time 3 -w '\n%{http_code}' ${more} ${url}`;

/** curl on a node or an outside machine. */
export const curlFrom = async (cluster: RunningCluster, host: string, url: string, more = ''): Promise<Answer> =>
  readAnswer(await cluster.inside(host, curlCommand(url, more)));

/** curl in a pod, by kubectl exec. `pod` may carry `-n other`. */
export const curlInPod = async (cluster: RunningCluster, pod: string, url: string, more = ''): Promise<Answer> =>
  readAnswer(await cluster.kubectl(`exec ${pod} -- ${curlCommand(url, more)}`));

/** Who answered, by what the stand-in says; undefined when it was none. */
export const podIn = (body: string): string | undefined => /^pod: (\S+)$/m.exec(body)?.[1];
export const peerIn = (body: string): string | undefined => /^peer: (\S+)$/m.exec(body)?.[1];
export const localIn = (body: string): string | undefined => /^local: (\S+)$/m.exec(body)?.[1];
