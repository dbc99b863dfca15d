// Kernel settings of node, pod and plain host namespaces. A new namespace copies IPv4 settings from the machine's
// own (devconf_inherit_init_net = 0), so whatever matters is said here and not left to the distribution.

/** Before any link exists: otherwise the first IPv6 packet waits two seconds for duplicate address detection. */
const noWaiting = {
  'net/ipv6/conf/all/accept_dad': '0',
  'net/ipv6/conf/default/accept_dad': '0',
  'net/ipv6/conf/default/accept_ra': '0',
} as const;

export const hostSysctls: Readonly<Record<string, string>> = {
  ...noWaiting,
  // IPv4 addresses stay with a link that goes down; without this those of IPv6 would not.
  'net/ipv6/conf/all/keep_addr_on_down': '1',
  'net/ipv6/conf/all/disable_ipv6': '0',
  'net/ipv6/conf/default/disable_ipv6': '0',
  // The stricter of `all` and the link's own counts: `all` must be 0 for a link to decide.
  'net/ipv4/conf/all/rp_filter': '0',
  'net/ipv4/conf/default/rp_filter': '0',
  // A neighbour must never reach what listens on 127.0.0.1: some service proxies allow it for node ports, and a new
  // namespace would inherit that (CVE-2020-8558). Here node ports are not on loopback (PROXY-41).
  'net/ipv4/conf/all/route_localnet': '0',
  'net/ipv4/conf/default/route_localnet': '0',
};

export const nodeSysctls: Readonly<Record<string, string>> = {
  ...hostSysctls,
  'net/ipv4/ip_forward': '1',
  'net/ipv6/conf/all/forwarding': '1',
  'net/ipv6/conf/default/forwarding': '1',
  // Routed pods come in and leave by the same link; telling them of a shorter way would be wrong.
  'net/ipv4/conf/all/send_redirects': '0',
  'net/ipv4/conf/default/send_redirects': '0',
  'net/ipv4/conf/all/accept_redirects': '0',
  'net/ipv4/conf/default/accept_redirects': '0',
  'net/ipv6/conf/all/accept_redirects': '0',
  'net/ipv6/conf/default/accept_redirects': '0',
};

/** Few, because each costs 30 µs of a pod's start. */
export const podSysctls: Readonly<Record<string, string>> = noWaiting;

/** What container runtimes grant: low ports and pings. Refused (EINVAL) where a user namespace maps too few groups. */
export const podComforts: Readonly<Record<string, string>> = {
  'net/ipv4/ip_unprivileged_port_start': '0',
  'net/ipv4/ping_group_range': '0 2147483647',
};
