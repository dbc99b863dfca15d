// What the command line cannot do itself and main.ts hands in, and what all verbs share.
import type { SocketAddress } from '../../base/run/sockets.ts';
import type { KeptSources, NetworkModel } from '../../model/network-model.ts';
import type { KernelView } from '../trace/print-service.ts';
import type { ClusterDescription, ProxyMode } from '../config/cluster-description.ts';
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

/** One part of Fairlead that runs by itself, against any cluster. */
export interface RunningPart {
  /** `node worker1 of https://10.0.0.1:6443` */
  readonly about: string;
  readonly ports?: { readonly healthPort?: number; readonly metricsPort?: number };
  /** Resolves when it serves everything that there was at its start. */
  readonly begun: Promise<void>;
  close(): Promise<void>;
}

/** 0: as the machine has it. */
export interface ConntrackSettings {
  readonly maxPerCore: number;
  readonly min: number;
  readonly tcpEstablishedSeconds: number;
  readonly tcpCloseWaitSeconds: number;
}

export interface ProxySettings {
  readonly kubeconfig: string;
  readonly mode: ProxyMode;
  readonly node: string;
  readonly clusterCIDRs: readonly string[];
  readonly serviceCIDRs: readonly string[];
  /** Prefixes, or `primary` alone. */
  readonly nodePortAddresses: readonly string[];
  readonly healthAt?: SocketAddress;
  readonly metricsAt?: SocketAddress;
  /** Whose address endpoints see; absent: that of the node's own pods. */
  readonly keepsSourceOf?: KeptSources;
  readonly syncPeriodMs: number;
  /** 0: every change is followed at once. */
  readonly minSyncPeriodMs: number;
  /** Enforce NetworkPolicies as well. */
  readonly policies: boolean;
  readonly skipsKernelCheck: boolean;
  readonly conntrack: ConntrackSettings;
}

export interface DnsSettings extends Pick<ProxySettings, 'kubeconfig' | 'clusterCIDRs' | 'serviceCIDRs'> {
  readonly domain: string;
  readonly listenAt: readonly SocketAddress[];
  /** Of /healthz, /readyz and /metrics. */
  readonly statusAt?: SocketAddress;
}

export type GatewaySettings = Pick<DnsSettings, 'kubeconfig' | 'statusAt'>;

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
  /** What the kernel of a node really has of these Service ports; undefined where we may not look. */
  lookIntoNode(cluster: string, model: NetworkModel, keys: readonly string[]): Promise<KernelView | undefined>;
  startProxy(settings: ProxySettings): Promise<RunningPart>;
  /** Takes the proxy's rules out of this network namespace. */
  cleanUpProxy(): Promise<void>;
  startDns(settings: DnsSettings): Promise<RunningPart>;
  startGateway(settings: GatewaySettings): Promise<RunningPart>;
}

/** The help text's last part: every verb shows how it is used. */
export const examples = (...lines: string[]): string => `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
