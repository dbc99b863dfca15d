// The price of a change is counted, not timed: Services that are looked at, ports that are rendered, elements that are sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointSliceKind } from '../../src/kube/kinds/endpoint-slice.ts';
import type { Kind } from '../../src/kube/kinds/kind.ts';
import { serviceKind } from '../../src/kube/kinds/service.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { snapshotOf, stateOf, type StoreState, withObject } from '../../src/kube/store/state.ts';
import { objectKey } from '../../src/kube/store/store.ts';
import { createCompiler } from '../../src/model/compile.ts';
import type { NetworkModel, ServicePort } from '../../src/model/network-model.ts';
import { createRenderer } from '../../src/node/dataplane/render.ts';
import { diffRulesets, sizeOfDiff } from '../../src/node/nft/diff.ts';
import { manyServices, scope, service, slice } from '../../scripts/bench/many-services.ts';

interface Counts {
  /** Services and slices whose content was read by the compiler. */
  read: number;
  /** Ports whose addresses were read by the renderer. */
  rendered: number;
  /** Elements, chains and sets for the kernel. */
  sent: number;
}

const endpoints = 3;

/** The object with a counter at the door of one of its fields. */
function watched<T extends object>(object: T, field: keyof T, onRead: () => void): T {
  const value = object[field];
  return Object.defineProperty({ ...object }, field, { enumerable: true, get: () => (onRead(), value) });
}

function createNode(services: number) {
  const counts: Counts = { read: 0, rendered: 0, sent: 0 };
  const counted = (object: KubeObject): KubeObject => {
    const field = object.kind === 'Service' ? 'spec' : object.kind === 'EndpointSlice' ? 'endpoints' : undefined;
    return field ? watched(object, field as keyof KubeObject, () => (counts.read += 1)) : object;
  };
  let state: StoreState = stateOf(1, manyServices(services, endpoints).map(counted));
  const compile = createCompiler(scope);
  const render = createRenderer();
  /** The same port of the model is the same port here. */
  const ports = new WeakMap<ServicePort, ServicePort>();
  const doorOf = (port: ServicePort): ServicePort => {
    if (!ports.has(port)) ports.set(port, watched(port, 'virtual', () => (counts.rendered += 1)));
    return ports.get(port)!;
  };
  /** What the renderer needs of the model. Not its names, which would be made for the asking. */
  const look = (): NetworkModel => {
    const { self, ranges, policies, hostPorts, services } = compile(snapshotOf(state));
    return { self, ranges, policies, hostPorts, services: new Map([...services].map(([key, port]) => [key, doorOf(port)])) } as unknown as NetworkModel;
  };
  let last = render(look());
  const put = (kind: unknown, object: KubeObject, gone = false) =>
    (state = withObject(state, state.revision + 1, { kind: kind as Kind, key: objectKey(object), ...(!gone && { object: counted(object) }) }));
  return (change: (to: typeof put) => void): Counts => {
    Object.assign(counts, { read: 0, rendered: 0, sent: 0 });
    change(put);
    const now = render(look());
    const sent = sizeOfDiff(diffRulesets(last, now)!);
    last = now;
    return { ...counts, sent };
  };
}

const [small, large] = [createNode(40), createNode(4000)];

function costsTheSame(about: string, elements: number, change: Parameters<typeof small>[0]): void {
  test(`${about} costs the same among 40 Services and among 4,000`, () => {
    const [few, many] = [small(change), large(change)];
    assert.deepEqual(many, few);
    assert.equal(many.sent, elements);
    assert.ok(many.read < 20, `${many.read} reads`);
  });
}

// Endpoints are numbered in the order of their addresses: here each gets another number.
costsTheSame('another pod behind a Service', 2 * endpoints, (put) => put(endpointSliceKind, slice(7, endpoints, 1_000_000)));
// Its address twice, its endpoints, and the hairpin of the pod that is here.
costsTheSame('a Service that comes', 2 + endpoints + 1, (put) => {
  put(serviceKind, service(5000));
  put(endpointSliceKind, slice(5000, endpoints));
});
costsTheSame('a Service that goes', 2 + endpoints + 1, (put) => {
  put(serviceKind, service(5000), true);
  put(endpointSliceKind, slice(5000, endpoints), true);
});
// Its old class, the new one, and what that leads to, as it is the first of it.
costsTheSame('a Service that loses its endpoints', endpoints + 3, (put) => put(endpointSliceKind, slice(9, endpoints), true));
