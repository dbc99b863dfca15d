// What the controllers must know about their cluster: plain data, given once at the start.

import type { KubeObject } from '../../kube/objects/meta.ts';

export interface ControllerOptions {
  /** The cluster's pod ranges, at most one of each family; nodes get parts of them. */
  readonly podCIDRs: readonly string[];
  readonly serviceCIDRs: readonly string[];
  /** Addresses for Services of type LoadBalancer. */
  readonly loadBalancerCIDRs: readonly string[];
  /** Those for Services that ask for an internal balancer. */
  readonly internalLoadBalancerCIDRs?: readonly string[];
  /** 1 to 1000; absent: 100. */
  readonly maxEndpointsPerSlice?: number;
  /** How long a node may be silent; absent: as kube-controller-manager has it. */
  readonly nodeHeartbeat?: { readonly graceSeconds: number };
  /** PEM; published in every namespace. */
  readonly caCertificate: string;
  /** Service default/kubernetes as it is made, and made again whenever it is gone; absent: nobody keeps it. */
  readonly apiService?: KubeObject;
  /** Where the API server listens: the endpoints of Service default/kubernetes. */
  readonly apiServers: readonly { readonly address: string; readonly port: number }[];
}
