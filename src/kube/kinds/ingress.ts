// Ingress: which HTTP hosts and paths lead to which Services. Its rules are in ingress/.
import type { Ingress, IngressClass } from '../objects/networking.ts';
import type { Snapshot } from '../store/store.ts';
import { ageColumn, nameColumn, none } from './columns.ts';
import { ingressClassKind, isDefaultClass } from './ingress-class.ts';
import { classAnnotation, validateIngress } from './ingress/validate.ts';
import type { Column, Kind } from './kind.ts';

function hosts({ spec }: Ingress): string {
  const rules = spec.rules ?? [];
  const named = rules.flatMap(({ host }) => host || []);
  // The count is of rules, not of hosts, as clients have always seen it.
  const more = named.length > 3 ? ` + ${rules.length - 3} more...` : '';
  return `${named.slice(0, 3).join(',')}${more}` || '*';
}

function addresses({ status }: Ingress): string {
  const given = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip || hostname || []);
  return [...new Set(given)].toSorted().join(',');
}

const columns: readonly Column<Ingress>[] = [
  nameColumn,
  { name: 'Class', type: 'string', cell: ({ spec }) => spec.ingressClassName || none },
  { name: 'Hosts', type: 'string', cell: hosts },
  { name: 'Address', type: 'string', cell: addresses },
  { name: 'Ports', type: 'string', cell: ({ spec }) => (spec.tls?.length ? '80, 443' : '80') },
  ageColumn,
];

/** The newest of the classes marked default; the first by name where two are of one second (ICL-10, ICL-13). */
function defaultClass(classes: readonly IngressClass[]): IngressClass | undefined {
  const marked = classes.filter(isDefaultClass);
  const born = ({ metadata }: IngressClass) => metadata.creationTimestamp ?? '';
  return marked.toSorted((a, b) => born(b).localeCompare(born(a)) || a.metadata.name.localeCompare(b.metadata.name))[0];
}

/** Only new Ingresses, and only those that name no class in either way (ICL-11, ICL-12). */
function withDefaultClass(ingress: Ingress, old: Ingress | undefined, seen: Snapshot): Ingress {
  if (old || ingress.spec.ingressClassName !== undefined || ingress.metadata.annotations?.[classAnnotation] !== undefined) return ingress;
  const found = defaultClass(seen.list(ingressClassKind));
  return found ? { ...ingress, spec: { ...ingress.spec, ingressClassName: found.metadata.name } } : ingress;
}

const oldWay = `annotation "${classAnnotation}" is deprecated, please use 'spec.ingressClassName' instead`;

export const ingressKind: Kind<Ingress> = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  plural: 'ingresses',
  shortNames: ['ing'],
  namespaced: true,
  subresources: ['status'],
  countsGenerations: true,
  columns,
  allocate: withDefaultClass,
  validate: validateIngress,
  warnings: ({ metadata }, old) => (!old && metadata.annotations?.[classAnnotation] !== undefined ? [oldWay] : []),
};
