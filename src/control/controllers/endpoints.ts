// Endpoints, the older form of EndpointSlices: all addresses of a Service in one object, for those who still read it.
// At most a thousand of them; readers of slices see all (EPT-02, EPT-03).
import { compareAddresses, addressOf } from '../../base/net/address.ts';
import { deepEqual } from '../../base/data/memo.ts';
import { endpointsKind } from '../../kube/kinds/endpoints.ts';
import { nodeKind } from '../../kube/kinds/node.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import { isHeadless } from '../../kube/kinds/service/traits.ts';
import { controllerReference } from '../../kube/meaning/owner-references.ts';
import type { ObjectMeta } from '../../kube/objects/meta.ts';
import type { EndpointAddress, Endpoints, EndpointSubset, Pod, Service } from '../../kube/objects/core.ts';
import { objectKey, type Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { addressOfPod, hostnameOf, isEndpoint, portsOf, referenceTo, type Zones } from './endpoint-slice/pod-endpoints.ts';
import { isSelecting, podsByService } from './endpoint-slice/service-pods.ts';
import { triggerNote, triggerTime } from './endpoint-slice/trigger-time.ts';
import { createZones, headlessLabel } from './endpoint-slices.ts';
import { decideKeeping } from './keep-decisions.ts';
import { groupKeeping, groupOf } from './keep-lists.ts';
import { rememberDecision } from './remember.ts';
import { isReady, isTerminating } from './workload/pod-state.ts';
import { create, update } from './writes.ts';

const mostAddresses = 1000;
const overCapacityNote = 'endpoints.kubernetes.io/over-capacity';

export function createEndpoints(): Controller {
  const zonesOf = createZones();
  const remembered = rememberDecision(decideService);
  const decisions = decideKeeping<Service>();
  const byKey = groupKeeping((endpoints: Endpoints) => objectKey(endpoints));
  return {
    name: 'endpoints',
    reads: [serviceKind, podKind, nodeKind, endpointsKind],
    decide(seen, now) {
      const pods = podsByService(seen);
      const zones = zonesOf(seen.list(nodeKind));
      const groups = [pods, byKey(seen.list(endpointsKind))];
      return decisions(seen.list(serviceKind), { groups, shared: [zones] }, (service) => {
        if (!isSelecting(service) || service.metadata.deletionTimestamp) return [];
        const { name, namespace } = service.metadata;
        return remembered(now, service, groupOf(pods, objectKey(service)), seen.get(endpointsKind, name, namespace), zones);
      });
    },
  };
}

type Around = [pods: readonly Pod[], old: Endpoints | undefined, zones: Zones];

function decideService(_now: Date, service: Service, ...[pods, old, zones]: Around): Write[] {
  const living = pods.filter((pod) => isEndpoint(pod, service, zones) && !isTerminating(pod));
  const { subsets, isTruncated } = truncate(subsetsOf(service, living));
  const { name, namespace } = service.metadata;
  const metadata = {
    ...(old?.metadata ?? { name, namespace: namespace! }),
    labels: { ...service.metadata.labels, ...(isHeadless(service) && { [headlessLabel]: '' }) },
    annotations: notesOf(old, isTruncated),
    ownerReferences: [controllerReference(service)],
  };
  if (old && deepEqual(old.subsets ?? [], subsets) && sameMarks(old.metadata, metadata)) return [];
  const time = triggerTime(service, pods, old ? [old] : []);
  const annotations = { ...metadata.annotations, ...(time && { [triggerNote]: time }) };
  const next: Endpoints = { apiVersion: 'v1', kind: 'Endpoints', metadata: { ...metadata, annotations }, subsets };
  return [old ? update(next) : create(next)];
}

function notesOf(old: Endpoints | undefined, isTruncated: boolean): Record<string, string> {
  const { [overCapacityNote]: _, ...others } = old?.metadata.annotations ?? {};
  return isTruncated ? { ...others, [overCapacityNote]: 'truncated' } : others;
}

const sameMarks = (a: ObjectMeta, b: ObjectMeta): boolean =>
  deepEqual(a.labels ?? {}, b.labels ?? {}) && deepEqual(a.annotations ?? {}, b.annotations ?? {}) && deepEqual(a.ownerReferences, b.ownerReferences);

const byAddress = (a: EndpointAddress, b: EndpointAddress): number => compareAddresses(addressOf(a.ip), addressOf(b.ip)) || ((a.targetRef?.name ?? '') < (b.targetRef?.name ?? '') ? -1 : 1);

/** One subset for each set of ports, in an order that does not depend on the pods'. */
function subsetsOf(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const [family = 'IPv4'] = service.spec.ipFamilies ?? [];
  const always = service.spec.publishNotReadyAddresses === true;
  const groups = Map.groupBy(pods.filter((pod) => addressOfPod(pod, family)), (pod) => JSON.stringify(portsOf(pod, service)));
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, members]): EndpointSubset => {
    const ports = JSON.parse(key) as NonNullable<EndpointSubset['ports']>;
    const all = members.map((pod) => ({ isUp: always || isReady(pod), address: asAddress(pod, service, addressOfPod(pod, family)!) }));
    const addresses = all.filter(({ isUp }) => isUp).map(({ address }) => address).sort(byAddress);
    const notReadyAddresses = all.filter(({ isUp }) => !isUp).map(({ address }) => address).sort(byAddress);
    const named = ports.map(({ name, ...port }) => ({ ...(name && { name }), ...port }));
    return { ...(addresses.length > 0 && { addresses }), ...(notReadyAddresses.length > 0 && { notReadyAddresses }), ...(ports.length > 0 && { ports: named }) };
  });
}

function asAddress(pod: Pod, service: Service, ip: string): EndpointAddress {
  const hostname = hostnameOf(pod, service);
  const { nodeName } = pod.spec;
  return { ip, ...(hostname && { hostname }), ...(nodeName && { nodeName }), targetRef: referenceTo(pod) };
}

/** Ready ones are kept before the others. */
function truncate(subsets: readonly EndpointSubset[]): { subsets: EndpointSubset[]; isTruncated: boolean } {
  const total = subsets.reduce((sum, { addresses = [], notReadyAddresses = [] }) => sum + addresses.length + notReadyAddresses.length, 0);
  if (total <= mostAddresses) return { subsets: [...subsets], isTruncated: false };
  let room = mostAddresses;
  const take = (addresses: readonly EndpointAddress[] = []) => {
    const taken = addresses.slice(0, room);
    room -= taken.length;
    return taken;
  };
  const ready = subsets.map(({ addresses }) => take(addresses));
  const waiting = subsets.map(({ notReadyAddresses }) => take(notReadyAddresses));
  const cut = subsets.map(({ ports }, i): EndpointSubset => ({
    ...(ready[i]!.length > 0 && { addresses: ready[i]! }),
    ...(waiting[i]!.length > 0 && { notReadyAddresses: waiting[i]! }),
    ...(ports && { ports }),
  }));
  return { subsets: cut.filter(({ addresses, notReadyAddresses }) => addresses ?? notReadyAddresses), isTruncated: true };
}
