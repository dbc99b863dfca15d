// Which EndpointSlices belong to which Service: the label is the only link (SVC-35).
import type { Service } from '../objects/core.ts';
import type { EndpointSlice } from '../objects/networking.ts';
import { changedPlaces, memoAligned } from '../../base/data/memo.ts';
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

/** Lists of the same length: each Service's key, and its slices in the snapshot's order. */
export interface SlicedServices {
  readonly keys: readonly string[];
  readonly slices: readonly (readonly EndpointSlice[])[];
}

interface Grouping extends SlicedServices {
  readonly of: readonly EndpointSlice[];
  readonly owners: readonly (string | undefined)[];
  /** Where each Service stands, by its key. */
  readonly places: ReadonlyMap<string, number>;
}

const groupings = new WeakMap<readonly Service[], Grouping>();

/** FQDN slices name no address and are left out. Several readers of the same lists share the answer. */
export function sliceServices(services: readonly Service[], slices: readonly EndpointSlice[]): SlicedServices {
  const last = groupings.get(services);
  if (last?.of === slices) return last;
  const grouping = (last && regroup(last, slices)) ?? groupAll(services, slices);
  groupings.set(services, grouping);
  return grouping;
}

function groupAll(services: readonly Service[], slices: readonly EndpointSlice[]): Grouping {
  const owners = ownersOf(slices, nothingBeside);
  const groups = new Map<string, EndpointSlice[]>();
  for (const [i, slice] of slices.entries()) {
    const key = owners[i];
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group) group.push(slice);
    else groups.set(key, [slice]);
  }
  const keys = keysOf(services, nothingBeside);
  return { of: slices, owners, places: new Map(keys.map((key, place) => [key, place])), keys, slices: keys.map((key) => groups.get(key) ?? noSlices) };
}

/** When a few slices changed what they say and not whose they are: only their Services' groups are made anew. */
function regroup(last: Grouping, slices: readonly EndpointSlice[]): Grouping | undefined {
  const changed = changedPlaces(last.of, slices);
  if (!changed) return undefined;
  const owners = ownersOf(slices, nothingBeside);
  const groups = [...last.slices];
  for (const i of changed) {
    const owner = owners[i];
    if (owner !== last.owners[i]) return undefined;
    const place = owner === undefined ? undefined : last.places.get(owner);
    if (place !== undefined) groups[place] = groups[place]!.map((slice) => (slice === last.of[i] ? slices[i]! : slice));
  }
  return { ...last, of: slices, owners, slices: groups };
}
