// The peer of the services bench: the same Services in the shape kube-proxy's nftables mode gives them,
// a chain per Service and a chain per endpoint, written as text for `nft -f`.
import { clusterIp, podIp } from './many-services.ts';

const serviceChain = (index: number): string => `service-${index}`;
const endpointChain = (index: number, ip: string): string => `endpoint-${index}-${ip}`;

function endpointText(index: number, ip: string): string[] {
  return [`add chain inet peer ${endpointChain(index, ip)}`, `add rule inet peer ${endpointChain(index, ip)} ip saddr ${ip} jump mark-for-masquerade`, `add rule inet peer ${endpointChain(index, ip)} meta l4proto tcp dnat ip to ${ip}:8080`];
}

const choice = (index: number, ips: readonly string[]): string =>
  `add rule inet peer ${serviceChain(index)} numgen random mod ${ips.length} vmap { ${ips.map((ip, i) => `${i} : goto ${endpointChain(index, ip)}`).join(', ')} }`;

const ipsOf = (index: number, endpoints: number): string[] => Array.from({ length: endpoints }, (_, i) => podIp(index * endpoints + 1 + i));

function serviceText(index: number, endpoints: number): string[] {
  const ips = ipsOf(index, endpoints);
  const address = clusterIp(index + 256);
  return [
    ...ips.flatMap((ip) => endpointText(index, ip)),
    `add chain inet peer ${serviceChain(index)}`,
    `add rule inet peer ${serviceChain(index)} ip daddr ${address} tcp dport 80 ip saddr != 10.0.0.0/10 jump mark-for-masquerade`,
    choice(index, ips),
    `add element inet peer service-ips { ${address} . tcp . 80 : goto ${serviceChain(index)} }`,
  ];
}

export function peerRules(services: number, endpoints: number): string {
  const lines = Array.from({ length: services }, (_, index) => serviceText(index, endpoints)).flat();
  return [
    'add table inet peer',
    'add map inet peer service-ips { type ipv4_addr . inet_proto . inet_service : verdict ; }',
    'add chain inet peer mark-for-masquerade',
    'add rule inet peer mark-for-masquerade meta mark set meta mark or 0x4000',
    ...lines,
    'add chain inet peer services',
    'add rule inet peer services ip daddr . meta l4proto . th dport vmap @service-ips',
    'add chain inet peer prerouting { type nat hook prerouting priority dstnat ; }',
    'add rule inet peer prerouting jump services',
    'add chain inet peer output { type nat hook output priority -100 ; }',
    'add rule inet peer output jump services',
    'add chain inet peer postrouting { type nat hook postrouting priority srcnat ; }',
    'add rule inet peer postrouting meta mark and 0x4000 != 0 masquerade',
    '',
  ].join('\n');
}

/** The first endpoint of one Service becomes another pod: one transaction, as the proxy would send it. */
export function peerChange(index: number, endpoints: number, moved: number): string {
  const [was = '', ...rest] = ipsOf(index, endpoints);
  const is = podIp(moved);
  const begin = [...endpointText(index, is), `flush chain inet peer ${serviceChain(index)}`];
  return [...begin, choice(index, [is, ...rest]), `delete chain inet peer ${endpointChain(index, was)}`, ''].join('\n');
}
