// Which EndpointSlices belong to which Service: the label is the only link (SVC-35).
import type { EndpointSlice } from '../objects/networking.ts';
import { memoLast } from '../../base/data/memo.ts';
import { keyOf } from '../store/store.ts';

export const serviceNameLabel = 'kubernetes.io/service-name';

/** By `namespace/service`. FQDN slices name no address and are left out. Several readers of one list share the answer. */
export const groupSlices = memoLast((slices: readonly EndpointSlice[]): ReadonlyMap<string, readonly EndpointSlice[]> => {
  const groups = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const service = slice.metadata.labels?.[serviceNameLabel];
    if (service === undefined || slice.addressType === 'FQDN') continue;
    const key = keyOf(service, slice.metadata.namespace);
    const group = groups.get(key);
    if (group) group.push(slice);
    else groups.set(key, [slice]);
  }
  return groups;
});
