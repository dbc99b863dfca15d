// What `kubectl get services` shows (SVC-10).
import type { Service } from '../../objects/core.ts';
import { ageColumn, nameColumn, none, printPairs } from '../columns.ts';
import type { Column } from '../kind.ts';

/** Addresses the world reaches it by: external IPs, what the load balancer gave, or the name it stands for. */
function externalIP({ spec, status }: Service): string {
  const own = spec.externalIPs ?? [];
  if (spec.type === 'ExternalName') return spec.externalName || none;
  if (spec.type !== 'LoadBalancer') return own.join(',') || none;
  const given = new Set((status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || []));
  return [...[...given].toSorted(), ...own].join(',') || '<pending>';
}

const ports = ({ spec }: Service): string =>
  (spec.ports ?? []).map(({ port, nodePort, protocol = 'TCP' }) => `${port}${nodePort ? `:${nodePort}` : ''}/${protocol}`).join(',') || none;

export const serviceColumns: readonly Column<Service>[] = [
  nameColumn,
  { name: 'Type', type: 'string', cell: ({ spec }) => spec.type ?? 'ClusterIP' },
  { name: 'Cluster-IP', type: 'string', cell: ({ spec }) => spec.clusterIPs?.[0] ?? spec.clusterIP ?? none },
  { name: 'External-IP', type: 'string', cell: externalIP },
  { name: 'Port(s)', type: 'string', cell: ports },
  ageColumn,
  { name: 'Selector', type: 'string', wide: true, cell: ({ spec }) => printPairs(spec.selector) },
];
