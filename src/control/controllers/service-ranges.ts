// ServiceCIDRs: the default one is always there, each is marked ready, and none goes while addresses would be left
// without a range (IPAM-40 … IPAM-46).
import { deepEqual } from '../../base/data/memo.ts';
import { parseAddress } from '../../base/net/address.ts';
import { contains } from '../../base/net/prefix.ts';
import { eventKind } from '../../kube/kinds/event.ts';
import { ipAddressKind } from '../../kube/kinds/ip-address.ts';
import { serviceCidrKind } from '../../kube/kinds/service-cidr.ts';
import { allocates, defaultRangeName, rangesOf } from '../../kube/kinds/service/ranges.ts';
import { setCondition } from '../../kube/meaning/conditions.ts';
import type { Condition } from '../../kube/objects/meta.ts';
import type { IPAddress, ServiceCIDR } from '../../kube/objects/networking.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { earliest } from './wake.ts';
import { create, createEvent, eventName, update, updateStatus } from './writes.ts';

const finalizer = 'networking.k8s.io/service-cidr-finalizer';
/** Whoever allocates from another server's snapshot may be this far behind. */
const graceMs = 10_000;

const ready: Condition = { type: 'Ready', status: 'True', message: 'Kubernetes Service CIDR is ready' };
const waiting: Condition = {
  type: 'Ready',
  status: 'False',
  reason: 'Terminating',
  message: 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR',
};

export function createServiceRanges(serviceCIDRs: readonly string[]): Controller {
  return {
    name: 'service-ranges',
    reads: [serviceCidrKind, ipAddressKind],
    decide(seen, now) {
      const ranges = seen.list(serviceCidrKind);
      return [...keepDefault(seen, serviceCIDRs, now), ...ranges.flatMap((range) => lead(range, seen, now))];
    },
    wakeAfterMs: (seen, now) => earliest(seen.list(serviceCidrKind).map((range) => graceLeftMs(range, now))),
  };
}

function keepDefault(seen: Snapshot, serviceCIDRs: readonly string[], now: Date): Write[] {
  const present = seen.get(serviceCidrKind, defaultRangeName);
  const wished: ServiceCIDR = { apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', metadata: { name: defaultRangeName }, spec: { cidrs: [...serviceCIDRs] } };
  if (!present) return [create(wished)];
  if (deepEqual(present.spec?.cidrs, wished.spec?.cidrs)) return [];
  const note = {
    about: present,
    type: 'Warning' as const,
    reason: 'KubernetesDefaultServiceCIDRInconsistent',
    message: `The default ServiceCIDR ${String(present.spec?.cidrs)} does not match the configured CIDRs ${String(serviceCIDRs)}`,
    component: 'kubernetes-default-service-cidr-controller',
  };
  return seen.get(eventKind, eventName(note), 'default') ? [] : [createEvent(note, now)];
}

/** Undefined when nothing ends. */
function graceLeftMs({ metadata: { deletionTimestamp } }: ServiceCIDR, now: Date): number | undefined {
  const left = deletionTimestamp ? Date.parse(deletionTimestamp) + graceMs - now.getTime() : 0;
  return left > 0 ? left : undefined;
}

function lead(range: ServiceCIDR, seen: Snapshot, now: Date): Write[] {
  const { deletionTimestamp, finalizers = [] } = range.metadata;
  if (!deletionTimestamp) {
    if (!finalizers.includes(finalizer)) return [update({ ...range, metadata: { ...range.metadata, finalizers: [...finalizers, finalizer] } })];
    return tell(range, ready, now);
  }
  if (!finalizers.includes(finalizer)) return [];
  if (strands(range, seen)) return tell(range, waiting, now);
  if (graceLeftMs(range, now) !== undefined) return [];
  return [update({ ...range, metadata: { ...range.metadata, finalizers: finalizers.filter((one) => one !== finalizer) } })];
}

function tell(range: ServiceCIDR, condition: Condition, now: Date): Write[] {
  const conditions = setCondition(range.status?.conditions, condition, now) as Condition[];
  return updateStatus(range, { ...range.status, conditions });
}

/** Whether an address in use would lie in no range any more. */
function strands(range: ServiceCIDR, seen: Snapshot): boolean {
  const others = seen.list(serviceCidrKind).filter((other) => other !== range && allocates(other));
  return seen.list(ipAddressKind).some((address) => covers(range, address) && !others.some((other) => covers(other, address)));
}

function covers(range: ServiceCIDR, { metadata: { name } }: IPAddress): boolean {
  const address = parseAddress(name);
  return address !== undefined && rangesOf(range).some(({ prefix }) => prefix.family === address.family && contains(prefix, address));
}
