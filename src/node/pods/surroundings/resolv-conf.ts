// What a pod's /etc/resolv.conf says, from its dnsPolicy, its dnsConfig and the node's own file.
// Pure. Limits are the kubelet's: 3 nameservers, 32 search domains, 2048 characters (resolv.conf(5), glibc since 2.26).
import type { Pod } from '../../../kube/objects/core.ts';

export interface ResolverSettings {
  nameservers: readonly string[];
  searches: readonly string[];
  /** As written: `ndots:5`, `edns0`. */
  options: readonly string[];
}

export interface ResolverSource {
  /** Addresses of the cluster's DNS Service; empty when there is none. */
  clusterDns: readonly string[];
  clusterDomain: string;
  /** Of the node; undefined when the node is told to have no resolver at all. */
  node?: ResolverSettings;
}

/** A Warning event about the pod: nothing is refused, the pod starts with what could be had. */
export interface Warning {
  reason: string;
  message: string;
}

const longestSearchLine = 2048;
const longestDomain = 253;

/** Nameserver lines add up; of search and options the last line counts; `#` and `;` begin comments. */
export function parseResolvConf(text: string): ResolverSettings {
  const settings = { nameservers: [] as string[], searches: [] as string[], options: [] as string[] };
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.replace(/[#;].*/, '').trim().split(/\s+/);
    if (keyword === 'nameserver' && values[0] !== undefined) settings.nameservers.push(values[0]);
    else if (keyword === 'search') settings.searches = values.map((domain) => (domain === '.' ? '.' : domain.replace(/\.$/, '')));
    else if (keyword === 'options') settings.options = values;
  }
  return settings;
}

export function printResolvConf({ nameservers, searches, options }: ResolverSettings): string {
  const lines = nameservers.map((server) => `nameserver ${server}`);
  if (searches.length > 0) lines.push(`search ${searches.join(' ')}`);
  if (options.length > 0) lines.push(`options ${options.join(' ')}`);
  return `${lines.join('\n')}\n`;
}

const nodeless = (clusterDns: readonly string[]): ResolverSettings => ({
  nameservers: [clusterDns.every((server) => server.includes(':')) && clusterDns.length > 0 ? '::1' : '127.0.0.1'],
  searches: ['.'],
  options: [],
});

function wantsCluster(pod: Pod): boolean {
  const policy = pod.spec.dnsPolicy ?? 'ClusterFirst';
  return policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !pod.spec.hostNetwork);
}

function baseSettings(pod: Pod, source: ResolverSource, warnings: Warning[]): ResolverSettings {
  const node = source.node ?? nodeless(source.clusterDns);
  if (pod.spec.dnsPolicy === 'None') return { nameservers: [], searches: [], options: [] };
  if (!wantsCluster(pod)) return node;
  if (source.clusterDns.length === 0) {
    const message = `this node knows no cluster DNS address, so dnsPolicy "${pod.spec.dnsPolicy ?? 'ClusterFirst'}" cannot be honoured; using "Default"`;
    warnings.push({ reason: 'MissingClusterDNS', message });
    return node;
  }
  const domain = source.clusterDomain;
  const own = [`${pod.metadata.namespace ?? 'default'}.svc.${domain}`, `svc.${domain}`, domain];
  return {
    nameservers: source.clusterDns,
    searches: [...own, ...(source.node?.searches ?? []).filter((search) => search !== '.')],
    options: ['ndots:5'],
  };
}

const optionName = (option: string) => option.split(':', 1)[0]!;

/** An option of the pod replaces the base's option of the same name, in its place. */
function mergeOptions(base: readonly string[], pod: Pod): string[] {
  const merged = new Map(base.map((option) => [optionName(option), option]));
  for (const { name, value } of pod.spec.dnsConfig?.options ?? []) {
    if (name) merged.set(name, value === undefined || value === '' ? name : `${name}:${value}`);
  }
  return [...merged.values()];
}

const unique = (values: readonly string[]) => [...new Set(values)];

function limitSearches(all: readonly string[], warnings: Warning[]): string[] {
  const kept: string[] = [];
  for (const domain of all.filter((search) => search.length <= longestDomain)) {
    if (kept.length < 32 && [...kept, domain].join(' ').length <= longestSearchLine) kept.push(domain);
    else break;
  }
  if (kept.length < all.length) {
    const message = `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${kept.join(' ')}`;
    warnings.push({ reason: 'DNSConfigForming', message });
  }
  return kept;
}

function limitNameservers(all: readonly string[], warnings: Warning[]): string[] {
  const kept = all.slice(0, 3);
  if (kept.length < all.length) {
    const message = `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${kept.join(' ')}`;
    warnings.push({ reason: 'DNSConfigForming', message });
  }
  return kept;
}

export function podResolver(pod: Pod, source: ResolverSource): { settings: ResolverSettings; warnings: Warning[] } {
  const warnings: Warning[] = [];
  const base = baseSettings(pod, source, warnings);
  const settings = {
    nameservers: limitNameservers(unique([...base.nameservers, ...(pod.spec.dnsConfig?.nameservers ?? [])]), warnings),
    searches: limitSearches(unique([...base.searches, ...(pod.spec.dnsConfig?.searches ?? [])]), warnings),
    options: mergeOptions(base.options, pod),
  };
  return { settings, warnings };
}
