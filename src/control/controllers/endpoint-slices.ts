// EndpointSlices of Services with a selector: the addresses behind each Service, in slices of at most a hundred.
// Slices of other makers are never touched; which are ours is told by the managed-by label alone.
import { deepEqual, keepIdentity, memoLast } from '../../base/data/memo.ts';
import { endpointSliceKind } from '../../kube/kinds/endpoint-slice.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import { isHeadless } from '../../kube/kinds/service/traits.ts';
import { controllerOf, controllerReference } from '../../kube/meaning/owner-references.ts';
import { serviceNameLabel } from '../../kube/meaning/service-slices.ts';
import type { Node, Pod, Service } from '../../kube/objects/core.ts';
import type { IPFamily } from '../../kube/objects/meta.ts';
import type { EndpointSlice, SliceEndpoint, SlicePort } from '../../kube/objects/networking.ts';
import { objectKey, type Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { distribute, type Filling, groupKey, type Wanted } from './endpoint-slice/distribute.ts';
import { createHintAnnouncer, type HintNews, hintSlices, keepHints, removedNews } from './endpoint-slice/hint-slices.ts';
import { addressOfPod, endpointOf, isEndpoint, portsOf, type Zones } from './endpoint-slice/pod-endpoints.ts';
import { isSelecting, podsByService } from './endpoint-slice/service-pods.ts';
import { wantsTopologyHints } from './endpoint-slice/topology-hints.ts';
import { createZoneRatios, type ZoneRatios } from './endpoint-slice/zone-ratios.ts';
import { triggerNote, triggerTime } from './endpoint-slice/trigger-time.ts';
import { suffixOf } from './hash.ts';
import { decideKeeping } from './keep-decisions.ts';
import { groupKeeping, groupOf } from './keep-lists.ts';
import { rememberDecision } from './remember.ts';
import { create, remove, update } from './writes.ts';

export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const headlessLabel = 'service.kubernetes.io/headless';
const manager = 'endpointslice-controller.k8s.io';

const reserved: ReadonlySet<string> = new Set([serviceNameLabel, managedByLabel, headlessLabel]);

const ourSlices = groupKeeping(({ metadata }: EndpointSlice) =>
  metadata.labels?.[managedByLabel] === manager && !metadata.deletionTimestamp ? `${metadata.namespace}/${metadata.labels[serviceNameLabel]}` : undefined,
);

/** Kept while no node comes, goes or changes its zone: heartbeats must not wake ten thousand Services. */
export function createZones(): (nodes: readonly Node[]) => Zones {
  let before: Zones | undefined;
  return memoLast((nodes: readonly Node[]) => {
    const now = new Map(nodes.map(({ metadata }) => [metadata.name, metadata.labels?.['topology.kubernetes.io/zone'] ?? '']));
    return (before = keepIdentity(before, now));
  });
}

export function createEndpointSlices(perSlice = 100): Controller {
  const zonesOf = createZones();
  const ratiosOf = createZoneRatios();
  const announce = createHintAnnouncer();
  const remembered = rememberDecision((_now: Date, ...seen: [Service, ...Around]) => decideService(perSlice, ...seen));
  const decisions = decideKeeping<Service>();
  return {
    name: 'endpoint-slices',
    reads: [serviceKind, podKind, nodeKind, endpointSliceKind],
    decide(seen, now) {
      const pods = podsByService(seen);
      const slices = ourSlices(seen.list(endpointSliceKind));
      const zones = zonesOf(seen.list(nodeKind));
      const ratios = ratiosOf(seen.list(nodeKind));
      return decisions(seen.list(serviceKind), { groups: [pods, slices], shared: [zones, ratios] }, (service) => {
        if (!isSelecting(service) || service.metadata.deletionTimestamp) return [];
        const key = objectKey(service);
        // Only those who ask for shares are decided anew when shares change (TOPO-20).
        const { writes, news } = remembered(now, service, groupOf(pods, key), groupOf(slices, key), zones, wantsTopologyHints(service) ? ratios : undefined);
        return [...writes, ...announce(service, news, now)];
      });
    },
  };
}

type Around = [pods: readonly Pod[], slices: readonly EndpointSlice[], zones: Zones, ratios: ZoneRatios];

interface Decision {
  readonly writes: readonly Write[];
  readonly news: readonly HintNews[];
}

function decideService(perSlice: number, service: Service, ...[pods, slices, zones, ratios]: Around): Decision {
  const own = slices.filter((slice) => controllerOf(slice)?.uid === service.metadata.uid);
  // ESL-33: left over from an earlier Service of this name.
  const orphaned = slices.filter((slice) => !own.includes(slice));
  const wanted = (service.spec.ipFamilies ?? ['IPv4']).flatMap((family) => wantedFor(service, family, pods.filter((pod) => isEndpoint(pod, service, zones)), zones));
  const isHinted = wantsTopologyHints(service);
  const labels = sliceLabels(service);
  const bare = distribute(isHinted ? keepHints(wanted, own) : wanted, own, { perSlice, isWritten: (slice) => !deepEqual(slice.metadata.labels, labels) });
  const { plan, news } = isHinted ? hintSlices(bare, own, ratios) : { plan: bare, news: removedNews(own) };
  const time = triggerTime(service, pods, own);
  const names = new Set(slices.map(({ metadata }) => metadata.name));
  const writes = [
    ...orphaned.map((slice) => remove(slice)),
    ...plan.fill.map((filling) => writeSlice(service, filling, { time, names })),
    ...plan.remove.map((slice) => remove(slice)),
  ];
  return { writes, news };
}

/** EPS-03: one group for each set of ports; EPS-27: an empty one where there is no endpoint. */
function wantedFor(service: Service, family: IPFamily, pods: readonly Pod[], zones: Zones): Wanted[] {
  const groups = new Map<string, { ports: SlicePort[]; endpoints: SliceEndpoint[] }>();
  for (const pod of pods) {
    const address = addressOfPod(pod, family);
    if (!address) continue;
    const ports = portsOf(pod, service);
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, endpoints: [] };
    group.endpoints.push(endpointOf(pod, service, address, zones));
    groups.set(key, group);
  }
  if (groups.size === 0) return [{ addressType: family, ports: [], endpoints: [] }];
  return [...groups.values()].map((group) => ({ addressType: family, ...group }));
}

/** EPS-25. */
export function sliceLabels(service: Service, by = manager): Record<string, string> {
  const copied = Object.entries(service.metadata.labels ?? {}).filter(([key]) => !reserved.has(key));
  return {
    ...Object.fromEntries(copied),
    ...(isHeadless(service) && { [headlessLabel]: '' }),
    [managedByLabel]: by,
    [serviceNameLabel]: service.metadata.name,
  };
}

function writeSlice(service: Service, filling: Filling, { time, names }: { time: string | undefined; names: Set<string> }): Write {
  const { of: old, addressType, ports, endpoints } = filling;
  const labels = sliceLabels(service);
  const annotations = time === undefined ? old?.metadata.annotations : { ...old?.metadata.annotations, [triggerNote]: time };
  const content = { addressType, ports: [...ports], endpoints: [...endpoints] };
  if (old) return update({ ...old, ...content, metadata: { ...old.metadata, labels, ...(annotations && { annotations }) } } as EndpointSlice);
  const { name, namespace } = service.metadata;
  const slice: EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: freeName(service, filling, names),
      generateName: `${name}-`,
      namespace: namespace!,
      labels,
      ...(annotations && { annotations }),
      ownerReferences: [controllerReference(service)],
    },
    ...content,
  };
  return create(slice);
}

/** EPS-22, but no dice: the same decision has the same name, so that deciding on an old snapshot makes no doubles. */
function freeName(service: Service, filling: Filling, names: Set<string>): string {
  for (let number = 0; ; number++) {
    const name = `${service.metadata.name}-${suffixOf([objectKey(service), groupKey(filling), number].join(' '))}`;
    if (names.has(name)) continue;
    names.add(name);
    return name;
  }
}
