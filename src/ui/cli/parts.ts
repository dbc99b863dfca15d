// What the command line cannot do itself and main.ts hands in, and what all verbs share.
import type { ClusterDescription } from '../config/cluster-description.ts';
import type { ClusterFolder } from './cluster-folder.ts';

export interface RunningCluster {
  readonly server: string;
  readonly dnsAddress: string;
  close(): Promise<void>;
}

/** What the command line cannot do itself: main.ts wires it. */
export interface Parts {
  /** The checkout, where tools and data lie. */
  readonly home: string;
  startCluster(description: ClusterDescription, folder: ClusterFolder, step: (about: string) => void): Promise<RunningCluster>;
  /** Removes every trace of a cluster that is not running from the machine. */
  sweepCluster(description: ClusterDescription, folder: ClusterFolder): Promise<void>;
}

/** The help text's last part: every verb shows how it is used. */
export const examples = (...lines: string[]): string => `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
