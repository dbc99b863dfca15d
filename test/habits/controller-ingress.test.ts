// Who tells where an Ingress is served: only the controller of its class, and of no other.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ingressKind } from '../../src/kube/kinds/ingress.ts';
import type { Ingress } from '../../src/kube/objects/networking.ts';
import type { KubeObject } from '../../src/kube/objects/meta.ts';
import { createWorld, namespace, node, workload, type World } from './controller-world.ts';

const ingressClass = (name: string, controller: string) => ({ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name }, spec: { controller } }) as KubeObject;
const ingress = (name: string, ingressClassName: string) =>
  ({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata: { name, namespace: 'default' }, spec: { ingressClassName, defaultBackend: { service: { name: 'web', port: { number: 80 } } } } }) as Ingress;
const gateway = workload('DaemonSet', 'gateway', {
  selector: { matchLabels: { 'app.kubernetes.io/name': 'fairlead-gateway' } },
  template: { metadata: { labels: { 'app.kubernetes.io/name': 'fairlead-gateway' } }, spec: { hostNetwork: true, containers: [{ name: 'gateway', image: 'gateway' }] } },
});

async function worldWith(...ingresses: Ingress[]): Promise<World> {
  const world = createWorld();
  await world.add(namespace('default'), node('a'), ingressClass('ours', 'fairlead.dev/ingress'), ingressClass('theirs', 'example.com/x'), gateway, ...ingresses);
  await world.rest();
  return world;
}

const addresses = (world: World, name: string) => (world.seen().get(ingressKind, name, 'default') as Ingress).status?.loadBalancer?.ingress?.map(({ ip }) => ip);

async function move(world: World, name: string, ingressClassName: string): Promise<void> {
  const seen = world.seen().get(ingressKind, name, 'default') as Ingress;
  await world.store.write({ verb: 'update', object: { ...seen, spec: { ...seen.spec, ingressClassName } } as Ingress });
  await world.rest();
}

/** What another controller does with its own. */
async function tell(world: World, name: string, ip: string): Promise<void> {
  const seen = world.seen().get(ingressKind, name, 'default') as Ingress;
  await world.store.write({ verb: 'update', object: { ...seen, status: { loadBalancer: { ingress: [{ ip }] } } } as Ingress, subresource: 'status' });
  await world.rest();
}

test('ICL-17: an Ingress that moves to another class loses the addresses of the old controller, and gets them back with the class', async () => {
  const world = await worldWith(ingress('web', 'ours'));
  assert.deepEqual(addresses(world, 'web'), ['172.30.0.1']);
  await move(world, 'web', 'theirs');
  assert.equal(addresses(world, 'web'), undefined);
  await tell(world, 'web', '192.0.2.9');
  assert.deepEqual(addresses(world, 'web'), ['192.0.2.9']);
  await move(world, 'web', 'ours');
  assert.deepEqual(addresses(world, 'web'), ['172.30.0.1']);
});

test('ICL-18: controllers stand side by side: what another says of its Ingress stays, even if it says what we would', async () => {
  const world = await worldWith(ingress('mine', 'ours'), ingress('theirs', 'theirs'));
  await tell(world, 'theirs', '172.30.0.1');
  assert.deepEqual([addresses(world, 'mine'), addresses(world, 'theirs')], [['172.30.0.1'], ['172.30.0.1']]);
  assert.equal(await world.turn(), false, 'nobody wants anything');
});
