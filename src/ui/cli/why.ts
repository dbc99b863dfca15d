// `fairlead why POD DESTINATION[:PORT]`: asks the model, prints every step with its cause. Exit code 0 only if it would connect.
import { endpointSliceKind } from '../../kube/kinds/endpoint-slice.ts';
import { canonicalAddress } from '../../base/net/address.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import { namespaceKind } from '../../kube/kinds/namespace.ts';
import { networkPolicyKind } from '../../kube/kinds/network-policy.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import type { Protocol } from '../../kube/objects/meta.ts';
import { createApiClient } from '../../kube/client/api-client.ts';
import { KubeconfigError, readKubeconfig } from '../../kube/client/kubeconfig.ts';
import { fetchSnapshot } from '../../kube/store/mirror.ts';
import type { Snapshot } from '../../kube/store/store.ts';
import type { ClusterDescription } from '../config/cluster-description.ts';
import { explain, type Question, QuestionError } from '../trace/explain.ts';
import { printExplanation } from '../trace/print-explanation.ts';
import { clusterFolder, noSuchCluster, readDescription } from './cluster-folder.ts';
import { CommandError } from './command-error.ts';

export interface WhyOptions {
  name: string;
  data: string;
  namespace: string;
  udp?: boolean;
  json?: boolean;
}

const defaultPort = 80;
const reads = [serviceKind, endpointSliceKind, namespaceKind, networkPolicyKind, nodeKind, podKind] as readonly Kind<never>[] as readonly Kind[];

/** The answer's exit code: 0 it connects, 1 it does not (or only sometimes), 2 the question is wrong. */
export async function why(pod: string, destination: string, options: WhyOptions): Promise<number> {
  const question = readQuestion(pod, destination, options);
  const description = readDescription(clusterFolder(options.data, options.name));
  if (!description) throw new CommandError(noSuchCluster(options.data, options.name), 2);
  const seen = await fetchObjects(options);
  try {
    const explanation = explain(seen, question, scopeOf(description));
    console.log(options.json ? JSON.stringify(explanation, undefined, 2) : printExplanation(explanation));
    return explanation.verdict === 'delivered' ? 0 : 1;
  } catch (error) {
    if (error instanceof QuestionError) throw new CommandError(error.message, 2);
    throw error;
  }
}

export const scopeOf = ({ domain, podCIDRs, serviceCIDRs }: ClusterDescription) => ({ clusterDomain: domain, podCIDRs, serviceCIDRs });

/** `web`, `other/web`, `pod/web`; `host`, `host:80`, `10.0.0.1:80`, `[fd00::1]:80`. Without a port: 80. */
export function readQuestion(pod: string, destination: string, options: Pick<WhyOptions, 'namespace' | 'udp'>): Question {
  const parts = pod.replace(/^(pods?|po)\//, '').split('/');
  if (parts.length > 2 || parts.includes('')) throw new CommandError(`${JSON.stringify(pod)} is no pod; write NAME or NAMESPACE/NAME`, 2);
  const [namespace, name] = parts.length === 2 ? parts : [options.namespace, parts[0]];
  const [host, port] = splitPort(destination);
  if (!host || !(port >= 1 && port <= 65_535)) {
    throw new CommandError(`${JSON.stringify(destination)} is no destination; write NAME, NAME:PORT, ADDRESS:PORT or [IPV6]:PORT`, 2);
  }
  const protocol: Protocol = options.udp ? 'UDP' : 'TCP';
  return { pod: { name: name!, namespace: namespace! }, destination: host, port, protocol };
}

/** A port that is none comes back as NaN. */
function splitPort(destination: string): [host: string | undefined, port: number] {
  const address = canonicalAddress(destination);
  if (address) return [address, defaultPort];
  const [, bracketed, name, port] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(destination) ?? [];
  return [bracketed === undefined ? name : (canonicalAddress(bracketed) ?? bracketed), port === undefined ? defaultPort : Number(port)];
}

/** What models are made of. Throws CommandError when the API cannot be asked. */
export async function fetchObjects({ data, name }: Pick<WhyOptions, 'data' | 'name'>): Promise<Snapshot> {
  try {
    const client = createApiClient(readKubeconfig(clusterFolder(data, name).kubeconfig));
    return await fetchSnapshot(client, reads).finally(() => client.close());
  } catch (error) {
    const hint = error instanceof KubeconfigError ? '' : `the API server of cluster ${name} does not answer (fairlead status): `;
    throw new CommandError(`${hint}${(error as Error).message}`, 2);
  }
}
