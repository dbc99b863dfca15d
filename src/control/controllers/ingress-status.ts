// Where an Ingress is served: the addresses of a LoadBalancer Service before the gateways, else of their nodes. Of others'
// Ingresses it says nothing; from one that has become another's it takes back what it said (ICL-17, ICL-18).
import { addressOf, compareAddresses, printAddress } from '../../base/net/address.ts';
import { deepEqual, memoLast } from '../../base/data/memo.ts';
import { ingressClassKind } from '../../kube/kinds/ingress-class.ts';
import { ingressKind } from '../../kube/kinds/ingress.ts';
import { podKind } from '../../kube/kinds/pod.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import { matchesPairs } from '../../kube/meaning/label-selector.ts';
import type { Pod, Service } from '../../kube/objects/core.ts';
import type { Ingress, IngressClass } from '../../kube/objects/networking.ts';
import type { Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';
import { isActive, isReady } from './workload/pod-state.ts';
import { updateStatus } from './writes.ts';

const controller = 'fairlead.dev/ingress';
const gatewayLabel = 'app.kubernetes.io/name';
const gateway = 'fairlead-gateway';

const gateways = memoLast((pods: readonly Pod[]) => pods.filter((pod) => pod.metadata.labels?.[gatewayLabel] === gateway && isActive(pod)));

type Balancer = NonNullable<Ingress['status']>['loadBalancer'];

export function createIngressStatus(): Controller {
  // What we have said of each, by uid: another controller may say the same of its own, and that is not ours to take back.
  const said = new Map<string, Balancer>();

  function takeBack(ingress: Ingress): Write[] {
    const { uid = '' } = ingress.metadata;
    if (!said.has(uid)) return [];
    if (deepEqual(said.get(uid), ingress.status?.loadBalancer)) return updateStatus(ingress, { ...ingress.status, loadBalancer: {} });
    said.delete(uid);
    return [];
  }

  function tell(ingress: Ingress, loadBalancer: Balancer): Write[] {
    if (loadBalancer?.ingress) said.set(ingress.metadata.uid ?? '', loadBalancer);
    return updateStatus(ingress, { ...ingress.status, loadBalancer });
  }

  return {
    name: 'ingress-status',
    reads: [ingressKind, ingressClassKind, podKind, serviceKind],
    decide(seen) {
      const ingresses = seen.list(ingressKind).filter(({ metadata }) => !metadata.deletionTimestamp);
      const here = new Set(ingresses.map(({ metadata }) => metadata.uid));
      for (const uid of said.keys()) if (!here.has(uid)) said.delete(uid);
      if (ingresses.length === 0) return [];
      const points = entryPoints(gateways(seen.list(podKind)), seen.list(serviceKind));
      const loadBalancer = points.length > 0 ? { ingress: points } : {};
      const classes = new Map(seen.list(ingressClassKind).map((each) => [each.metadata.name, each]));
      return ingresses.flatMap((ingress) => (isServed(ingress, classes) ? tell(ingress, loadBalancer) : takeBack(ingress)));
    },
  };
}

function isServed({ metadata, spec }: Ingress, classes: ReadonlyMap<string, IngressClass>): boolean {
  const name = metadata.annotations?.['kubernetes.io/ingress.class'] ?? spec.ingressClassName;
  return name !== undefined && classes.get(name)?.spec?.controller === controller;
}

type Point = NonNullable<NonNullable<NonNullable<Ingress['status']>['loadBalancer']>['ingress']>[number];

function entryPoints(pods: readonly Pod[], services: readonly Service[]): Point[] {
  const before = services.filter(({ spec, metadata }) =>
    spec.type === 'LoadBalancer' && pods.some((pod) => pod.metadata.namespace === metadata.namespace && matchesPairs(spec.selector, pod.metadata.labels)),
  );
  const balanced = before.flatMap(({ status }) => (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }): Point => (ip ? { ip } : { hostname: hostname! })));
  if (balanced.length > 0) return balanced;
  const hosts = new Set(pods.filter(isReady).flatMap(({ status }) => status?.hostIPs?.map(({ ip }) => ip) ?? status?.hostIP ?? []));
  return [...hosts].map(addressOf).toSorted(compareAddresses).map((address): Point => ({ ip: printAddress(address) }));
}
