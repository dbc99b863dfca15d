// Which EndpointSlices belong to which Service: the label is the only link (SVC-35).
import { type Groups, regroup } from '../../base/data/keep-groups.ts';
import { listDifference } from '../../base/data/list-difference.ts';
import { patchedKeys } from '../../base/data/patched-map.ts';
import type { Service } from '../objects/core.ts';
import type { EndpointSlice } from '../objects/networking.ts';
import { keyOf, objectKey } from '../store/store.ts';

export const serviceNameLabel = 'kubernetes.io/service-name';

/** FQDN slices name no address and are left out. */
function ownersOf({ metadata, addressType }: EndpointSlice): readonly string[] {
  const service = metadata.labels?.[serviceNameLabel];
  return service === undefined || addressType === 'FQDN' ? [] : [keyOf(service, metadata.namespace)];
}

export interface SlicedServices {
  readonly services: readonly Service[];
  readonly of: readonly EndpointSlice[];
  /** By the Service's key, in the snapshot's order. */
  readonly slices: Groups<EndpointSlice>;
}

/** Several readers of one list share the answer. */
const groupings = new WeakMap<readonly EndpointSlice[], Groups<EndpointSlice>>();

/** `last` is what the same reader got before: from it, the answer costs what changed since. */
export function sliceServices(services: readonly Service[], of: readonly EndpointSlice[], last: SlicedServices | undefined): SlicedServices {
  let slices = groupings.get(of);
  if (!slices) groupings.set(of, (slices = regroup(last && { items: last.of, groups: last.slices }, of, { listed: ownersOf, orderOf: objectKey })));
  return { services, of, slices };
}

/** Keys of the Services that may say something else, or whose slices may; undefined when that is most of them, or unknown. */
export function changedServices(old: SlicedServices, now: SlicedServices): ReadonlySet<string> | undefined {
  const touched = old.slices === now.slices ? [] : patchedKeys(old.slices, now.slices);
  const change = old.services === now.services ? { removed: [], added: [] } : listDifference(old.services, now.services);
  return touched && change && new Set([...change.removed.map(objectKey), ...change.added.map(objectKey), ...touched]);
}
