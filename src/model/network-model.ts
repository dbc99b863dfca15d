// The one truth about what the network should do: plain data, a function of the snapshot alone.
// Whom it serves: node/dataplane (rulesets), serve/dns (names), serve/proxy (listeners), ui (traces).
// Unchanged entries keep their identity from one compile to the next; readers skip by `===`.
import type { Family, Protocol, Ref } from '../kube/objects/meta.ts';

export interface NetworkModel {
  readonly revision: number;
  readonly self: NodeView;
  /** The address spaces of the cluster: who counts as inside, and what must never leave a node unanswered. */
  readonly ranges: Ranges;
  /** Key `namespace/service:port/protocol/family`, e.g. `default/web:http/tcp/4`; an unnamed port prints its number. */
  readonly services: ReadonlyMap<string, ServicePort>;
  /** Ports of this node that lead to one of its pods each; key `pod/namespace/name:port/protocol/family`. */
  readonly hostPorts: ReadonlyMap<string, ServicePort>;
  /** Isolated pods of this node only, by `namespace/name`. A pod that no policy selects is absent (open both ways). */
  readonly policies: ReadonlyMap<string, PodPolicy>;
  /** What the cluster's DNS zone is made of; model/names/resolve.ts answers questions from it. */
  readonly names: NameDirectory;
  /** Key `address-or-*:port`, e.g. `*:80`. */
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly problems: readonly Problem[];
}

/** In the place of prefixes: the first address of each family of the node itself. */
export const primaryAddresses = 'primary';

/** Who is asking: a node, or a server (DNS, gateway) that needs no node view. */
export interface Scope {
  /** Name of the node the model is for; absent for servers that are not bound to a node. */
  node?: string;
  clusterDomain: string;
  podCIDRs: readonly string[];
  serviceCIDRs: readonly string[];
  /** Empty = node ports on all local addresses (KPX-37); `primary` alone = those by which the node is known (PROXY-40). */
  nodePortAddresses?: readonly string[];
  /** Controller names of the IngressClasses that this gateway serves. */
  ingressControllers?: readonly string[];
  dnsTtlSeconds?: number;
  /** Whose address endpoints of Services see; absent: those of this node's pods (PROXY-14, PROXY-42). */
  keepsSourceOf?: KeptSources;
  /** Pods keep their address towards the outside, and host ports are not ours: the cluster's own network plug-in decides about both. */
  keepsPodSources?: boolean;
}

/** `cluster pods`: by address, for clusters whose Nodes do not say which pods are theirs. */
export type KeptSources = 'cluster pods' | 'nobody';

export interface Ranges {
  readonly podCIDRs: readonly string[];
  readonly serviceCIDRs: readonly string[];
  /** Own addresses on which node ports answer; empty = all of them, loopback never (PROXY-41). */
  readonly nodePortAddresses: readonly string[];
  readonly keepsSourceOf?: KeptSources;
  /** Nobody counts as outside, so nothing is hidden from it (see Scope). */
  readonly keepsPodSources?: boolean;
}

export interface NodeView {
  readonly name: string;
  readonly ips: readonly string[];
  readonly podCIDRs: readonly string[];
  readonly zone?: string;
  /** Every other node that has addresses and a pod range: where its pods are reached. */
  readonly peers: readonly Peer[];
  /** LoadBalancer addresses that this node answers for on its link. */
  readonly announces: readonly string[];
}

export interface Peer {
  readonly name: string;
  readonly ips: readonly string[];
  readonly podCIDRs: readonly string[];
  readonly origin: Ref;
}

/** One port of one Service, or one host port of one pod, in one family: everything a packet to it can meet on this node. */
export interface ServicePort {
  readonly key: string;
  readonly family: Family;
  readonly protocol: Protocol;
  readonly virtual: readonly VirtualAddress[];
  /** Usable ones: readiness, topology and termination are already decided. Sorted by address, then port. */
  readonly endpoints: readonly Endpoint[];
  /** Usable ones on this node; present only where some virtual address is localOnly. */
  readonly localEndpoints?: readonly Endpoint[];
  /**
   * Others that still serve (of another zone, or terminating): no new connections, but those that lead to them go on.
   * Present only for protocols without a handshake, whose connections end when we forget them (PROXY-31, TOPO-41).
   */
  readonly keptEndpoints?: readonly Endpoint[];
  readonly stickySeconds?: number;
  /** Source prefixes allowed to reach the load-balancer addresses; absent = everyone. */
  readonly allowedSources?: readonly string[];
  readonly healthCheckNodePort?: number;
  /** Nodes with endpoints for new connections, sorted; present only where a LoadBalancer address is localOnly: one of them announces it. */
  readonly readyNodes?: readonly string[];
  readonly origin: Ref;
}

export interface VirtualAddress {
  readonly type: 'clusterIP' | 'externalIP' | 'loadBalancer' | 'nodePort' | 'hostPort';
  /** Absent for nodePort: every local address (within nodePortAddresses). */
  readonly address?: string;
  readonly port: number;
  /** clusterIP: from anywhere. Others: only packets from outside the cluster; pods and the node keep Cluster semantics (KPX-36). */
  readonly localOnly: boolean;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly node?: string;
  readonly zone?: string;
  /** On this node: hairpin and Local policies need to know. */
  readonly local: boolean;
  readonly terminating?: boolean;
  readonly pod?: Ref;
  readonly origin: Ref;
}

export type Permits = readonly Permit[] | 'open';

/** What may reach, and be reached by, one isolated pod. 'open' = not isolated in that direction; [] = nothing. */
export interface PodPolicy {
  readonly pod: Ref;
  readonly ips: readonly string[];
  readonly ingress: Permits;
  readonly egress: Permits;
  /** Policies that isolate the pod in each direction: the cause to name when a packet is dropped. */
  readonly isolatedBy: { readonly ingress: readonly Ref[]; readonly egress: readonly Ref[] };
}

/** One rule of one policy, selectors resolved to addresses. A packet needs one peer AND one port. */
export interface Permit {
  readonly peers: readonly IpBlock[] | 'anyone';
  readonly ports: readonly PortRange[] | 'any';
  readonly origin: Ref;
}

export interface IpBlock {
  /** `10.244.1.5/32`, `2001:db8::/64`. */
  readonly cidr: string;
  readonly except?: readonly string[];
  /** The pod behind a selector-made /32 or /128. */
  readonly pod?: Ref;
}

export interface PortRange {
  readonly protocol: Protocol;
  /** Absent = every port of the protocol. */
  readonly first?: number;
  readonly last?: number;
  /** Set where a named port resolved per pod: the range holds only for this destination address. */
  readonly onlyFor?: string;
}

/** The cluster's zone as data: one entry a Service, so that a change costs one entry and a question one look-up. */
export interface NameDirectory {
  /** `cluster.local` */
  readonly domain: string;
  readonly ttlSeconds: number;
  /** The cluster's own address ranges: their reverse names are ours alone, also those of addresses nobody has. */
  readonly reverseCIDRs: readonly string[];
  readonly namespaces: ReadonlySet<string>;
  /** By `namespace/service`. */
  readonly services: ReadonlyMap<string, NamedService>;
}

export interface NamedService {
  readonly type: 'clusterIP' | 'headless' | 'externalName';
  /** Cluster IPs. */
  readonly addresses: readonly string[];
  /** Of the Service; headless ports are those of its endpoints. */
  readonly ports: readonly NamedPort[];
  /** Published ones: ready, or all where the Service publishes those that are not. Made when first asked for. */
  readonly endpoints: readonly NamedEndpoint[];
  readonly externalName?: string;
  readonly origin: Ref;
}

export interface NamedPort {
  /** '' for an unnamed port, which has no SRV record of its own. */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

export interface NamedEndpoint {
  /** The label left of the Service's name: the pod's hostname, or the address with dashes. */
  readonly label: string;
  readonly address: string;
  readonly ports: readonly NamedPort[];
  readonly origin: Ref;
}

/** A resource record as the zone holds it; names are absolute, without the final dot. */
export type NameRecord = { readonly name: string; readonly ttlSeconds: number; readonly origin?: Ref } & (
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'SRV'; readonly port: number; readonly target: string; readonly priority: number; readonly weight: number }
  | { readonly type: 'CNAME' | 'PTR' | 'NS'; readonly target: string }
  | { readonly type: 'TXT'; readonly text: string }
  | { readonly type: 'SOA'; readonly primary: string; readonly mailbox: string; readonly serial: number; readonly minimumSeconds: number }
);

/** One address and port on which the proxy answers. */
export interface Listener {
  readonly key: string;
  readonly port: number;
  readonly protocol: 'HTTP' | 'HTTPS';
  /** Exact names first, then wildcards by length, then '*'. */
  readonly hosts: ReadonlyMap<string, HostRoutes>;
}

export interface HostRoutes {
  readonly host: string;
  /** PEM; present on HTTPS listeners whose Secret was found. */
  readonly certificate?: { readonly cert: string; readonly key: string; readonly origin: Ref };
  /** In matching order: first hit wins. */
  readonly routes: readonly Route[];
  readonly origin: Ref;
}

export interface Route {
  readonly match: { readonly type: 'Exact' | 'Prefix'; readonly path: string };
  /** What is done to a request before it is forwarded; the proxy's filters.ts decides the order, not this list. */
  readonly filters?: readonly RouteFilter[];
  readonly backend: RouteBackend;
  readonly origin: Ref;
}

export type RouteFilter =
  /** Answer with a redirect to the same host and target under https. */
  | { readonly type: 'redirect-to-https'; readonly code: number }
  /** The whole path becomes this one; the query stays. */
  | { readonly type: 'replace-path'; readonly path: string };

export type RouteBackend =
  | { readonly type: 'endpoints'; readonly service: Ref; readonly port: number | string; readonly endpoints: readonly Endpoint[] }
  /** The answer is fixed: 503 for no endpoints, 500 for a broken reference, 404 for nothing behind. */
  | { readonly type: 'answer'; readonly code: number; readonly message: string };

/** Something wrong in an object: becomes a condition, an event and a line in traces, never an exception. */
export interface Problem {
  readonly about: Ref;
  readonly reason: string;
  readonly message: string;
}

export { printRef } from '../kube/meaning/print-ref.ts';
