// Which EndpointSlices belong to which Service: the label is the only link (SVC-35).
import type { Service } from '../objects/core.ts';
import type { EndpointSlice } from '../objects/networking.ts';
import { memoAligned, memoByIdentity } from '../../base/data/memo.ts';
import { keyOf, objectKey } from '../store/store.ts';

export const serviceNameLabel = 'kubernetes.io/service-name';

const noSlices: readonly EndpointSlice[] = [];
const nothingBeside: readonly (readonly never[])[] = [];

/** Keys are asked for at every change, for every object: made once each. */
const ownersOf = memoAligned(({ metadata, addressType }: EndpointSlice): string | undefined => {
  const service = metadata.labels?.[serviceNameLabel];
  return service === undefined || addressType === 'FQDN' ? undefined : keyOf(service, metadata.namespace);
});
const keysOf = memoAligned((service: Service): string => objectKey(service));

/** By `namespace/service`. FQDN slices name no address and are left out. Several readers of one list share the answer. */
export const groupSlices = memoByIdentity((slices: readonly EndpointSlice[]): ReadonlyMap<string, readonly EndpointSlice[]> => {
  const groups = new Map<string, EndpointSlice[]>();
  const owners = ownersOf(slices, nothingBeside);
  for (let i = 0; i < slices.length; i++) {
    const slice = slices[i] as EndpointSlice;
    const key = owners[i];
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group) group.push(slice);
    else groups.set(key, [slice]);
  }
  return groups;
});

/** Lists of the same length: each Service's key, and its slices in the snapshot's order. */
export interface SlicedServices {
  readonly keys: readonly string[];
  readonly slices: readonly (readonly EndpointSlice[])[];
}

export const sliceServices = memoByIdentity((services: readonly Service[], slices: readonly EndpointSlice[]): SlicedServices => {
  const groups = groupSlices(slices);
  const keys = keysOf(services, nothingBeside);
  return { keys, slices: keys.map((key) => groups.get(key) ?? noSlices) };
});
