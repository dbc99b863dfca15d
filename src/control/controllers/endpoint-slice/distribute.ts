// Spreads endpoints over slices with as few writes as can be (EPS-29…34): leave what fits, fill what changes anyway,
// and only then touch another slice or make a new one. No slice is emptied for tidiness.
import { deepEqual } from '../../../base/data/memo.ts';
import type { EndpointSlice, SliceEndpoint, SlicePort } from '../../../kube/objects/networking.ts';

/** Endpoints that share one address type and one set of ports. */
export interface Wanted {
  readonly addressType: EndpointSlice['addressType'];
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly SliceEndpoint[];
}

/** What a slice should hold: `of` the slice that is there, or a new one. */
export interface Filling extends Wanted {
  readonly of?: EndpointSlice;
}

export interface Distribution {
  readonly fill: readonly Filling[];
  readonly unchanged: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

/** ESL-56: who an endpoint is, whatever its condition. */
const identityOf = ({ addresses, hostname, targetRef }: SliceEndpoint): string =>
  [...addresses, hostname ?? '', targetRef?.namespace ?? '', targetRef?.name ?? ''].join('\n');

const byPort = (a: SlicePort, b: SlicePort): number => ((a.name ?? '') < (b.name ?? '') ? -1 : 1);

/** The order of ports means nothing. */
export const groupKey = ({ addressType, ports }: { addressType: string; ports?: readonly SlicePort[] }): string =>
  JSON.stringify([addressType, [...(ports ?? [])].sort(byPort).map(({ name, protocol, port, appProtocol }) => [name, protocol, port, appProtocol])]);

export interface Limits {
  readonly perSlice: number;
  /** Slices that are written in any case, for their labels: as good a place for new endpoints as those that lose some. */
  isWritten?(slice: EndpointSlice): boolean;
}

export function distribute(wanted: readonly Wanted[], slices: readonly EndpointSlice[], limits: Limits): Distribution {
  const groups = Map.groupBy(slices, groupKey);
  const parts = wanted.map((group) => fillGroup(group, groups.get(groupKey(group)) ?? [], limits));
  const wantedKeys = new Set(wanted.map(groupKey));
  const foreign = slices.filter((slice) => !wantedKeys.has(groupKey(slice)));
  return reuse({
    fill: parts.flatMap(({ fill }) => fill),
    unchanged: parts.flatMap(({ unchanged }) => unchanged),
    remove: [...parts.flatMap(({ remove }) => remove), ...foreign],
  });
}

interface Bin {
  readonly of: EndpointSlice;
  endpoints: SliceEndpoint[];
}

function fillGroup(group: Wanted, slices: readonly EndpointSlice[], { perSlice, isWritten = () => false }: Limits): Distribution {
  const left = new Map(group.endpoints.map((endpoint) => [identityOf(endpoint), endpoint]));
  const bins = slices.map((of): Bin => ({ of, endpoints: keepWanted(of, left) }));
  const isTouched = ({ of, endpoints }: Bin) => isWritten(of) || !deepEqual(endpoints, of.endpoints);
  const touched = bins.filter(isTouched);
  const rest = [...left.values()];
  // Step 2: fullest first.
  for (const bin of touched.toSorted((a, b) => b.endpoints.length - a.endpoints.length)) bin.endpoints.push(...rest.splice(0, perSlice - bin.endpoints.length));
  const added = bins.length === 0 && rest.length === 0 ? [{ ...group, endpoints: [] }] : placeRest(group, rest, { untouched: bins.filter((bin) => !touched.includes(bin)), perSlice });
  const changed = bins.filter(isTouched);
  const isKept = (bin: Bin) => bin.endpoints.length > 0 || group.endpoints.length === 0;
  // A group without endpoints is the placeholder: one slice of it is enough.
  const surplus = group.endpoints.length === 0 ? bins.slice(1) : [];
  return {
    fill: [...changed.filter((bin) => isKept(bin) && !surplus.includes(bin)).map(({ of, endpoints }) => ({ ...group, of, endpoints: sorted(endpoints) })), ...added],
    unchanged: bins.filter((bin) => !changed.includes(bin) && !surplus.includes(bin) && isKept(bin)).map(({ of }) => of),
    remove: bins.filter((bin) => surplus.includes(bin) || !isKept(bin)).map(({ of }) => of),
  };
}

/** Step 1: what stays in its slice, as it looks now. Taken out of `left`, so that a double is dropped. */
function keepWanted({ endpoints }: EndpointSlice, left: Map<string, SliceEndpoint>): SliceEndpoint[] {
  return endpoints.flatMap((old) => {
    const identity = identityOf(old);
    const now = left.get(identity);
    left.delete(identity);
    return now ? [now] : [];
  });
}

/** Step 3: whole slices first; the remainder into the one untouched slice it fills best, if any can take it all. */
function placeRest(group: Wanted, rest: SliceEndpoint[], { untouched, perSlice }: { untouched: readonly Bin[]; perSlice: number }): Filling[] {
  const added: Filling[] = [];
  while (rest.length >= perSlice) added.push({ ...group, endpoints: rest.splice(0, perSlice) });
  if (rest.length === 0) return added;
  const roomy = untouched.filter(({ endpoints }) => endpoints.length + rest.length <= perSlice && endpoints.length > 0);
  const best = roomy.reduce<Bin | undefined>((fullest, bin) => (!fullest || bin.endpoints.length > fullest.endpoints.length ? bin : fullest), undefined);
  const empty = untouched.find(({ endpoints }) => endpoints.length === 0);
  const target = best ?? empty;
  if (target) target.endpoints = [...target.endpoints, ...rest];
  else added.push({ ...group, endpoints: [...rest] });
  return added;
}

const sorted = (endpoints: readonly SliceEndpoint[]): SliceEndpoint[] => endpoints.toSorted((a, b) => (identityOf(a) < identityOf(b) ? -1 : 1));

/** EPS-34: a removal and a new slice of the same address type become one update. */
function reuse({ fill, unchanged, remove }: Distribution): Distribution {
  const free = [...remove];
  const filled = fill.map((one): Filling => {
    const at = one.of ? -1 : free.findIndex(({ addressType }) => addressType === one.addressType);
    return at < 0 ? one : { ...one, of: free.splice(at, 1)[0]! };
  });
  return { fill: filled, unchanged, remove: free };
}
