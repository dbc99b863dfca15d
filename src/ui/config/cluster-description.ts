// What a stand-alone cluster is made of: what the config file says, completed with defaults. Plain data.
import { nthAddress, prefixOf, sizeOf } from '../../base/net/prefix.ts';
import { printAddress } from '../../base/net/address.ts';

export interface NodeDescription {
  /** A host name: lower-case letters, digits and `-`. */
  readonly name: string;
  /** At most one of each family; the first is of the primary one. */
  readonly addresses: readonly string[];
  /** `control-plane` holds the API server and, beside other nodes, takes no ordinary pods. */
  readonly roles: readonly string[];
  /** Becomes the label `topology.kubernetes.io/zone`. */
  readonly zone?: string;
  /** More labels of the Node object. */
  readonly labels: Readonly<Record<string, string>>;
}

/** A machine outside the cluster, on the nodes' link: what `curl` from elsewhere would meet. */
export interface OutsideHost {
  /** A host name that no node has. */
  readonly name: string;
  /** Inside nodeCIDRs; at most one of each family. */
  readonly addresses: readonly string[];
}

export const proxyModes = ['nftables', 'iptables'] as const;
export type ProxyMode = (typeof proxyModes)[number];

export const connectTimeModes = ['auto', 'on', 'off'] as const;
export type ConnectTimeBalancing = (typeof connectTimeModes)[number];

export interface ClusterDescription {
  /** Part of folder, namespace and link names; at most 20 characters. `--name` wins over it. */
  readonly name: string;
  /** The first is the control plane where none is said to be. `--nodes` replaces the list. */
  readonly nodes: readonly NodeDescription[];
  /** Machines that are no nodes, on the nodes' link: for trying the cluster from outside. */
  readonly outside: readonly OutsideHost[];
  /** The nodes' link: the cluster has its families, in its order; of one prefix comes a cluster of one family. */
  readonly nodeCIDRs: readonly string[];
  /** Each node gets a part of them for its pods. */
  readonly podCIDRs: readonly string[];
  /** First is the default family of Services. */
  readonly serviceCIDRs: readonly string[];
  /** Addresses for Services of type LoadBalancer, inside nodeCIDRs. */
  readonly loadBalancerCIDRs: readonly string[];
  /** Addresses for Services of type LoadBalancer with the annotation `fairlead.dev/load-balancer: internal`, apart from all other ranges: nodes and pods reach them, other machines get no route. */
  readonly internalLoadBalancerCIDRs: readonly string[];
  /** Ports handed out to Services of type NodePort and LoadBalancer, on every node. */
  readonly nodePorts: { readonly first: number; readonly last: number };
  /** Endpoints in one EndpointSlice, 1 to 1000: fewer make smaller updates, more make fewer objects. */
  readonly maxEndpointsPerSlice: number;
  /** How the nodes' kernels are told of Services and policies: `nftables`, or `iptables` for tools that read `iptables-save`. */
  readonly proxyMode: ProxyMode;
  /** How nodes say that they live: each renews its lease four times in `leaseSeconds`, and is lost after `graceSeconds` of silence. */
  readonly nodeHeartbeat: { readonly leaseSeconds: number; readonly graceSeconds: number };
  /** The cluster's DNS domain. */
  readonly domain: string;
  /** Start the built-in Ingress controller. */
  readonly ingress: boolean;
  /** File that gets one JSON line for every request to the API: who asked for what. None by default. */
  readonly auditLogPath?: string;
  /** Give processes of pods their endpoint when they connect, by eBPF: `on`, `off`, or `auto`: where the machine can, else by nftables, and the node's condition says why. */
  readonly connectTimeBalancing: ConnectTimeBalancing;
  /** Image → program or directory on this machine that stands for it. */
  readonly images: Readonly<Record<string, string>>;
}

/** What a file may leave out. */
export type PartialDescription = Omit<Partial<ClusterDescription>, 'nodes'> & {
  readonly nodes?: readonly (Partial<NodeDescription> & { readonly name: string })[];
};

export const maxNodes = 100;

export const clusterName = /^[a-z0-9]([-a-z0-9]{0,18}[a-z0-9])?$/;

const ranges = {
  podCIDRs: ['10.244.0.0/16', 'fd00:10:244::/48'],
  serviceCIDRs: ['10.96.0.0/16', 'fd00:10:96::/112'],
};

const at = (cidr: string, offset: number) => printAddress(nthAddress(prefixOf(cidr), offset));

/**
 * The third quarter of the nodes' own prefix: reachable on the link without any route. Below it are the nodes, above it
 * this machine itself. None in a prefix too small to share.
 */
function thirdQuarter(cidr: string): string[] {
  const prefix = prefixOf(cidr);
  const quarter = sizeOf(prefix) / 4n;
  return quarter === 0n ? [] : [`${printAddress(nthAddress(prefix, 2n * quarter))}/${prefix.length + 2}`];
}

/** The first node is the control plane; addresses are given from the eleventh of each range on. */
function completeNode(said: Partial<NodeDescription> & { readonly name: string }, index: number, nodeCIDRs: readonly string[]): NodeDescription {
  const { name, addresses = nodeCIDRs.map((cidr) => at(cidr, index + 10)), roles = index === 0 ? ['control-plane'] : [], labels = {}, zone } = said;
  return { name, addresses, roles, labels, ...(zone !== undefined && { zone }) };
}

const withoutAbsent = <T extends object>(record: T): T => Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;

/**
 * Fills what is not said. `subnet` numbers the default node link (172.30.<subnet>.0/24), so that clusters can stand side by side;
 * `count` is how many nodes to make when the file names none.
 */
export function completeDescription(said: PartialDescription, { subnet = 0, count = 3 }: { subnet?: number; count?: number } = {}): ClusterDescription {
  const nodeCIDRs = said.nodeCIDRs ?? [`172.30.${subnet}.0/24`, `fd00:172:30:${subnet.toString(16)}::/64`];
  const isIPv6 = (cidr: string) => cidr.includes(':');
  const families = (cidrs: string[]) => nodeCIDRs.flatMap((link) => cidrs.filter((cidr) => isIPv6(cidr) === isIPv6(link)));
  const named = said.nodes ?? Array.from({ length: count }, (_, i) => ({ name: `node${i + 1}` }));
  return {
    name: 'default',
    outside: [],
    podCIDRs: families(ranges.podCIDRs),
    serviceCIDRs: families(ranges.serviceCIDRs),
    loadBalancerCIDRs: nodeCIDRs.flatMap(thirdQuarter),
    internalLoadBalancerCIDRs: [],
    nodePorts: { first: 30000, last: 32767 },
    maxEndpointsPerSlice: 100,
    proxyMode: 'nftables',
    nodeHeartbeat: { leaseSeconds: 40, graceSeconds: 50 },
    domain: 'cluster.local',
    ingress: true,
    connectTimeBalancing: 'off',
    images: {},
    ...withoutAbsent(said),
    nodeCIDRs,
    nodes: named.map((node, index) => completeNode(node, index, nodeCIDRs)),
  };
}
