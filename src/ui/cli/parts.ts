// What the command line cannot do itself and main.ts hands in, and what all verbs share.
import type { ClusterDescription } from '../config/cluster-description.ts';
import type { ServerDescription } from '../config/server-description.ts';
import type { ClusterFolder } from './cluster-folder.ts';

export interface RunningCluster {
  readonly server: string;
  readonly dnsAddress: string;
  close(): Promise<void>;
}

export interface RunningServer {
  readonly url: string;
  /** The administrator's access; absent where somebody else's authority signs the clients' certificates. */
  readonly kubeconfig?: string;
  close(): Promise<void>;
}

/** Why a cluster cannot be built on this machine, each as one sentence; both empty: it can. */
export interface Obstacles {
  /** In the description itself. */
  readonly mistakes: readonly string[];
  /** With what this machine routes already. */
  readonly conflicts: readonly string[];
}

/** What the command line cannot do itself: main.ts wires it. */
export interface Parts {
  /** The checkout, where tools and data lie. */
  readonly home: string;
  findObstacles(description: ClusterDescription): Promise<Obstacles>;
  /** A sub-prefix of the range that this machine does not use, nor is among `taken`; undefined when there is none. */
  freeNodeRange(range: string, length: number, taken: readonly string[]): Promise<string | undefined>;
  startCluster(description: ClusterDescription, folder: ClusterFolder, step: (about: string) => void): Promise<RunningCluster>;
  /** An API server alone. `kubeconfig`: where to write the administrator's access. */
  startServer(description: ServerDescription, kubeconfig: string): Promise<RunningServer>;
  /** Removes every trace of a cluster that is not running from the machine. */
  sweepCluster(description: ClusterDescription, folder: ClusterFolder): Promise<void>;
}

/** The help text's last part: every verb shows how it is used. */
export const examples = (...lines: string[]): string => `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
