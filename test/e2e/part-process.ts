// A part of Fairlead as a process of its own in a namespace with an API server on its loopback: started, watched, ended.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseAllDocuments } from 'yaml';
import { printKubeconfig } from '../../src/kube/client/kubeconfig.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { spawnIn } from '../../src/node/netlink/namespace-sockets.ts';
import type { Netns } from '../../src/node/netlink/namespaces.ts';
import type { ApiUnderTest } from './api-under-test.ts';
import { eventually, readManifest } from './running-cluster.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

export interface PartProcess {
  readonly child: ChildProcess;
  /** All that it has said on standard error. */
  said(): string;
  /** Resolves when it has said so; rejects with all that it has said when it ends before. */
  says(what: RegExp): Promise<void>;
  serving(): Promise<void>;
  /** The exit code. */
  end(signal?: NodeJS.Signals): Promise<number | null>;
  /** When it ends by itself. */
  readonly ended: Promise<number | null>;
}

export function startPart(namespace: Netns, args: readonly string[], env: Readonly<Record<string, string>> = {}): PartProcess {
  const { KUBECONFIG: _, ...inherited } = process.env;
  const child = spawnIn(namespace, process.execPath, [main, ...args], { stdio: ['ignore', 'inherit', 'pipe'], env: { ...inherited, FAIRLEAD_LOG: 'warn', ...env } });
  let text = '';
  createInterface({ input: child.stderr! }).on('line', (line) => (text += `${line}\n`));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  const says = async (what: RegExp): Promise<void> => {
    await eventually(`${args[0]} says ${what}`, async () => text, (said) => what.test(said) || child.exitCode !== null);
    if (!what.test(text)) throw new Error(`${args[0]} ended with ${child.exitCode}: ${text}`);
  };
  return {
    child,
    said: () => text,
    says,
    serving: () => says(/^serving /m),
    ended,
    end(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}

export interface Account {
  readonly kubeconfig: string;
  /** Takes some resources out of its role, and puts them back. */
  forbid(...resources: readonly string[]): Promise<void>;
}

type Role = KubeObject & { rules: { resources: string[] }[] };

/** The service account of examples/parts/<part>.yaml, with the role that stands there. */
export async function accountOf(api: ApiUnderTest, part: string): Promise<Account> {
  const documents = parseAllDocuments(readManifest(`parts/${part}.yaml`)).map((each) => each.toJS() as KubeObject);
  const [account, role, binding] = ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding'].map((kind) => documents.find((each) => each.kind === kind)!);
  const { rules } = role as Role;
  const owner = await api.store.write({ verb: 'create', object: account! });
  let held = await api.store.write({ verb: 'create', object: role! });
  await api.store.write({ verb: 'create', object: binding! });
  const { token } = await api.tokens.issue({ namespace: 'kube-system', name: `fairlead-${part}`, uid: owner.metadata.uid!, audiences: [api.tokens.issuer], expirationSeconds: 3600 });
  const kubeconfig = join(api.folder, `account-${part}`);
  writeFileSync(kubeconfig, printKubeconfig('account', { server: `https://127.0.0.1:${api.port}`, ca: api.ca, token }));
  return {
    kubeconfig,
    async forbid(...resources) {
      const left = rules.map((rule) => ({ ...rule, resources: rule.resources.filter((each) => !resources.includes(each)) }));
      held = await api.store.write({ verb: 'update', object: { ...held, rules: left.filter((rule) => rule.resources.length > 0) } as KubeObject });
    },
  };
}
