// `fairlead service NAMESPACE/NAME`: what its addresses lead to on a node, and why each endpoint is in or out.
// Exit code 0 when every address leads to an endpoint, 1 when one does not, 2 when the question is wrong.
import { type Asker } from '../trace/asker.ts';
import { explainService, type ServiceQuestion } from '../trace/explain-service.ts';
import { QuestionError } from '../trace/explain.ts';
import { printService } from '../trace/print-service.ts';
import { clusterFolder, readDescription } from './cluster-folder.ts';
import { CommandError } from './command-error.ts';
import type { Parts } from './parts.ts';
import { fetchObjects, scopeOf } from './why.ts';

export interface ServiceOptions {
  name: string;
  data: string;
  namespace: string;
  from?: string;
  node?: string;
  json?: boolean;
}

export async function service(asked: string, options: ServiceOptions, parts: Pick<Parts, 'lookIntoNode'>): Promise<number> {
  const question = readServiceQuestion(asked, options);
  const description = readDescription(clusterFolder(options.data, options.name));
  if (!description) throw new CommandError(`there is no cluster ${options.name}; start one with: fairlead up`, 2);
  try {
    const { explanation, model } = explainService(await fetchObjects(options), question, scopeOf(description));
    // Chains of iptables are not asked one by one.
    const kernel = description.proxyMode === 'iptables' ? undefined : await parts.lookIntoNode(description.name, model, explanation.ports.map(({ key }) => key));
    const json = () => JSON.stringify({ ...explanation, ...(kernel && { kernel: Object.fromEntries(kernel) }) }, undefined, 2);
    console.log(options.json ? json() : printService(explanation, kernel));
    return explanation.works ? 0 : 1;
  } catch (error) {
    if (error instanceof QuestionError) throw new CommandError(error.message, 2);
    throw error;
  }
}

/** `web`, `shop/web`; `pod/client`, `pod/shop/client`, `node/node1`, `outside`. */
export function readServiceQuestion(asked: string, { namespace, from, node }: Pick<ServiceOptions, 'namespace' | 'from' | 'node'>): ServiceQuestion {
  const service = namespaced(asked.replace(/^(services?|svc)\//, ''), namespace);
  if (!service) throw new CommandError(`${JSON.stringify(asked)} is no Service; write NAME or NAMESPACE/NAME`, 2);
  return { service, ...(from !== undefined && { from: readAsker(from, service.namespace) }), ...(node !== undefined && { node }) };
}

function readAsker(from: string, namespace: string): Asker {
  if (from === 'outside') return { type: 'outside' };
  const [, type, rest = ''] = /^(pod|node)\/(.+)$/.exec(from) ?? [];
  const pod = type === 'pod' ? namespaced(rest, namespace) : undefined;
  if (pod) return { type: 'pod', ...pod };
  if (type === 'node' && !rest.includes('/')) return { type: 'node', name: rest };
  throw new CommandError(`${JSON.stringify(from)} is nobody who could ask; write pod/NAME, pod/NAMESPACE/NAME, node/NAME or outside`, 2);
}

function namespaced(text: string, namespace: string): { name: string; namespace: string } | undefined {
  const parts = text.split('/');
  if (parts.length > 2 || parts.includes('')) return undefined;
  return parts.length === 2 ? { namespace: parts[0]!, name: parts[1]! } : { namespace, name: parts[0]! };
}
