// Node: a machine that runs pods. Nodes register with their status and are served their pod ranges.
import { deepEqual } from '../../base/data/memo.ts';
import { duplicate, type FieldError, forbidden, invalid, notSupported, required } from '../meaning/field-error.ts';
import { validatePrefix } from '../meaning/rules/addresses.ts';
import { findCondition } from '../meaning/conditions.ts';
import { checkLabelValue, checkQualifiedName } from '../meaning/rules/names.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import { allInvalid } from '../meaning/rules/ports.ts';
import type { Node, NodeAddress, Taint } from '../objects/core.ts';
import { ageColumn, nameColumn, none } from './columns.ts';
import type { Column, Kind } from './kind.ts';

function readiness({ spec, status }: Node): string {
  const ready = findCondition(status?.conditions, 'Ready');
  const word = !ready ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return spec?.unschedulable ? `${word},SchedulingDisabled` : word;
}

const rolePrefix = 'node-role.kubernetes.io/';

function roles({ metadata }: Node): string {
  const found = Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(rolePrefix)) return key.slice(rolePrefix.length) || [];
    return key === 'kubernetes.io/role' && value ? value : [];
  });
  return [...new Set(found)].toSorted().join(',') || none;
}

const addressOfType = (type: NodeAddress['type']) => (node: Node): string =>
  node.status?.addresses?.find((address) => address.type === type)?.address ?? none;

const info = (field: string) => (node: Node): string => node.status?.nodeInfo?.[field] || '<unknown>';

const columns: readonly Column<Node>[] = [
  nameColumn,
  { name: 'Status', type: 'string', cell: readiness },
  { name: 'Roles', type: 'string', cell: roles },
  ageColumn,
  { name: 'Version', type: 'string', cell: ({ status }) => status?.nodeInfo?.kubeletVersion ?? '' },
  { name: 'Internal-IP', type: 'string', wide: true, cell: addressOfType('InternalIP') },
  { name: 'External-IP', type: 'string', wide: true, cell: addressOfType('ExternalIP') },
  { name: 'OS-Image', type: 'string', wide: true, cell: info('osImage') },
  { name: 'Kernel-Version', type: 'string', wide: true, cell: info('kernelVersion') },
  { name: 'Container-Runtime', type: 'string', wide: true, cell: info('containerRuntimeVersion') },
];

/** The singular podCIDR and the first of podCIDRs are one thing. */
function setDefaults(node: Node): Node {
  const { podCIDR, podCIDRs } = node.spec ?? {};
  if (podCIDR && !podCIDRs?.length) return { ...node, spec: { ...node.spec, podCIDRs: [podCIDR] } };
  return podCIDRs?.[0] && !podCIDR ? { ...node, spec: { ...node.spec, podCIDR: podCIDRs[0] } } : node;
}

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

export function validateTaints(taints: readonly Taint[], field: string): FieldError[] {
  const before = new Set<string>();
  return taints.flatMap((taint, i) => {
    const at = `${field}[${i}]`;
    const errors = allInvalid(`${at}.key`, taint.key, checkQualifiedName(taint.key ?? ''));
    errors.push(...allInvalid(`${at}.value`, taint.value, checkLabelValue(taint.value ?? '')));
    if (!taint.effect) errors.push(required(`${at}.effect`));
    else if (!effects.includes(taint.effect)) errors.push(notSupported(`${at}.effect`, taint.effect, effects));
    const key = `${taint.key}:${taint.effect}`;
    if (before.has(key)) errors.push({ ...duplicate(at, taint), message: `${duplicate(at, taint).message}: taints must be unique by key and effect pair` });
    before.add(key);
    return errors;
  });
}

function validateRanges({ spec }: Node, old?: Node): FieldError[] {
  const ranges = spec?.podCIDRs ?? [];
  const errors = ranges.flatMap((range, i) => validatePrefix(range, `spec.podCIDRs[${i}]`));
  if (ranges.length > 2) errors.push(invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family'));
  const before = old?.spec?.podCIDRs ?? [];
  if (before.length > 0 && !deepEqual(before, ranges)) {
    errors.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  }
  return errors;
}

function validateAddresses({ status }: Node): FieldError[] {
  const before = new Set<string>();
  return (status?.addresses ?? []).flatMap((address, i) => {
    const key = `${address.type}/${address.address}`;
    if (before.has(key)) return [duplicate(`status.addresses[${i}]`, address)];
    before.add(key);
    return [];
  });
}

function validateProvider({ spec }: Node, old?: Node): FieldError[] {
  const before = old?.spec?.providerID;
  return before && before !== spec?.providerID ? [forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid')] : [];
}

export const nodeKind: Kind<Node> = {
  apiVersion: 'v1',
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  namespaced: false,
  subresources: ['status'],
  keepsStatusOnCreate: true,
  columns,
  fieldSelectors: { 'spec.unschedulable': ({ spec }) => String(spec?.unschedulable ?? false) },
  setDefaults,
  validate: (node, old) => [
    ...validateObjectMeta(node, { namespaced: false }, old),
    ...validateTaints(node.spec?.taints ?? [], 'spec.taints'),
    ...validateAddresses(node),
    ...validateRanges(node, old),
    ...validateProvider(node, old),
  ],
};
