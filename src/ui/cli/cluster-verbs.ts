// The verbs that start, end and look at clusters, with their options and help.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { clusterName, maxNodes } from '../config/cluster-description.ts';
import { clusterFolder } from './cluster-folder.ts';
import { backup, restore } from './backup.ts';
import { CommandError } from './command-error.ts';
import { down } from './down.ts';
import { kubectl } from './kubectl.ts';
import { examples, type Parts } from './parts.ts';
import { service } from './service.ts';
import { status } from './status.ts';
import { up } from './up.ts';
import { why } from './why.ts';

function parseNodes(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= maxNodes) return count;
  throw new InvalidArgumentError(`must be a whole number from 1 to ${maxNodes}.`);
}

/** A name becomes a folder and part of link names: nothing else may pass. */
function parseName(text: string): string {
  if (clusterName.test(text)) return text;
  throw new InvalidArgumentError("must be lower-case letters, digits and '-', at most 20.");
}

const clusterOption = (fallback?: string) => new Option('--name <cluster>', 'which cluster').argParser(parseName).default(fallback);
export const dataOption = (parts: Parts): Option => new Option('--data <folder>', 'where clusters keep their state').env('FAIRLEAD_DATA').default(join(parts.home, '.data'));

interface Verb {
  name: string;
  about: string;
  examples: readonly string[];
  /** Without --name no cluster is meant in particular; otherwise the one called default. */
  anyCluster?: boolean;
}

const verb = (program: Command, parts: Parts, { name, about, examples: shown, anyCluster }: Verb): Command =>
  program
    .command(name)
    .description(about)
    .addOption(clusterOption(anyCluster ? undefined : 'default'))
    .addOption(dataOption(parts))
    .addHelpText('after', examples(...shown));

export function addClusterVerbs(program: Command, parts: Parts): void {
  addUp(program, parts);
  addDown(program, parts);
  addStatus(program, parts);
  addKubeconfig(program, parts);
  addKubectl(program, parts);
  addWhy(program, parts);
  addService(program, parts);
  addBackup(program, parts);
  addRestore(program, parts);
}

function addUp(program: Command, parts: Parts): void {
  verb(program, parts, {
    name: 'up',
    about: 'start a cluster; Ctrl-C ends it and leaves the machine as it was',
    examples: ['fairlead up', 'fairlead up --nodes 5 --detach', 'fairlead up --name second --config examples/walkthrough/cluster.yaml'],
    anyCluster: true,
  })
    .option('--nodes <count>', 'how many nodes (default 3: one control plane, two workers)', parseNodes)
    .option('--config <file>', 'YAML file with names, addresses, zones, ranges … of the cluster')
    .option('--kubeconfig <file>', 'write the kubeconfig here too')
    .option('-d, --detach', 'leave it running in the background')
    .action((options) => up(options, parts));
}

function addDown(program: Command, parts: Parts): void {
  verb(program, parts, {
    name: 'down',
    about: 'end a cluster, and clean up after one that crashed',
    examples: ['fairlead down', 'fairlead down --name second --delete'],
  })
    .option('--delete', 'forget its objects too')
    .action((options) => down(options, parts));
}

function addStatus(program: Command, parts: Parts): void {
  verb(program, parts, {
    name: 'status',
    about: 'list clusters; exit code 0 when they all run',
    examples: ['fairlead status', 'fairlead status --name second'],
    anyCluster: true,
  })
    .action(async (options) => {
      process.exitCode = await status(options);
    });
}

function addKubeconfig(program: Command, parts: Parts): void {
  verb(program, parts, {
    name: 'kubeconfig',
    about: 'print the kubeconfig of a cluster',
    examples: ['fairlead kubeconfig > ~/.kube/fairlead', 'KUBECONFIG=~/.kube/fairlead kubectl get nodes'],
  })
    .action((options) => {
      process.stdout.write(readKubeconfigText(options.data, options.name));
    });
}

function addKubectl(program: Command, parts: Parts): void {
  verb(program, parts, {
    name: 'kubectl',
    about: 'run kubectl on a cluster; what follows is passed on',
    examples: ['fairlead kubectl get pods -A', 'fairlead kubectl --name second get nodes'],
  })
    .argument('[args...]')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (args: string[], options) => {
      process.exitCode = await kubectl(args, { ...options, tools: join(parts.home, '.tools') });
    });
}

function addWhy(program: Command, parts: Parts): void {
  verb(program, parts, {
    name: 'why',
    about: 'explain whether a pod can reach a destination, step by step; exit code 0 only if it can',
    examples: ['fairlead why client web', 'fairlead why client web.other:8080', 'fairlead why shop/client 10.96.0.10:53 --udp --json'],
  })
    .argument('<pod>', 'NAME or NAMESPACE/NAME')
    .argument('<destination>', 'NAME[:PORT], ADDRESS[:PORT] or [IPV6]:PORT; port 80 if none is given')
    .option('-n, --namespace <namespace>', 'of the pod', 'default')
    .option('--udp', 'ask about UDP instead of TCP')
    .option('--json', 'print the explanation as JSON')
    .action(async (pod: string, destination: string, options) => {
      process.exitCode = await why(pod, destination, options);
    });
}

function addService(program: Command, parts: Parts): void {
  verb(program, parts, {
    name: 'service',
    about: 'show what each address of a Service leads to on a node, and why each endpoint is in or out; exit code 0 only if all lead somewhere',
    examples: ['fairlead service web', 'fairlead service shop/web --from pod/client', 'fairlead service web --from outside --node node1 --json'],
  })
    .argument('<service>', 'NAME or NAMESPACE/NAME')
    .option('-n, --namespace <namespace>', 'of the Service', 'default')
    .option('--from <whom>', 'who asks: pod/NAME, pod/NAMESPACE/NAME, node/NAME or outside; any pod of the node if none is given')
    .option('--node <node>', 'whose rules are asked; if none is given, those of the asker’s node')
    .option('--json', 'print it as JSON')
    .action(async (asked: string, options) => {
      process.exitCode = await service(asked, options, parts);
    });
}

function addBackup(program: Command, parts: Parts): void {
  verb(program, parts, {
    name: 'backup',
    about: 'copy all objects of a cluster into a file, also while it runs',
    examples: ['fairlead backup monday.db', 'fairlead backup /var/backups/second.db --name second'],
  })
    .argument('<file>', 'a new file')
    .action((file: string, options) => backup(file, options));
}

function addRestore(program: Command, parts: Parts): void {
  verb(program, parts, {
    name: 'restore',
    about: 'give a cluster that is down the objects of a back-up',
    examples: ['fairlead restore monday.db', 'fairlead restore monday.db --name copy'],
  })
    .argument('<file>', 'made by fairlead backup')
    .action((file: string, options) => restore(file, options));
}

function readKubeconfigText(data: string, cluster: string): string {
  try {
    return readFileSync(clusterFolder(data, cluster).kubeconfig, 'utf8');
  } catch {
    // The file appears at the first `up`.
    throw new CommandError(`cluster ${cluster} has no kubeconfig yet; start it with: fairlead up --name ${cluster}`);
  }
}
