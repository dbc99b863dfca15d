// Custom objects are as much a part of ownership and of namespaces as any other: what goes with what, and in which order.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startControllers } from '../../src/control/controllers/runner.ts';
import type { Controller } from '../../src/control/controllers/controller.ts';
import { createControllers } from '../../src/control/controllers/controllers.ts';
import { createManualClock } from '../../src/base/run/clock.ts';
import { customKinds, definitionKind } from '../../src/kube/custom/custom-kinds.ts';
import { decideDefinitions } from '../../src/kube/custom/decide-definitions.ts';
import { configMapKind } from '../../src/kube/kinds/config-map.ts';
import { namespaceKind } from '../../src/kube/kinds/namespace.ts';
import type { Kind } from '../../src/kube/kinds/kind.ts';
import type { KubeObject, OwnerReference } from '../../src/kube/objects/meta.ts';
import type { Namespace } from '../../src/kube/objects/core.ts';
import { createWorld, namespace, testOptions, type World } from './controller-world.ts';

const definitions: Controller = { name: 'definitions', reads: [definitionKind], alsoReads: (seen) => customKinds(seen).stored, decide: decideDefinitions };
const allControllers = (): Controller[] => [...createControllers(testOptions), definitions];

const definition = (kind: string, scope = 'Namespaced'): KubeObject => {
  const plural = `${kind.toLowerCase()}s`;
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } } };
  const versions = [{ name: 'v1', served: true, storage: true, schema }, { name: 'v1beta1', served: true, storage: false, schema }];
  return { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.example.com` }, spec: { group: 'example.com', scope, names: { plural, kind }, versions } } as KubeObject;
};
const boat = { apiVersion: 'example.com/v1', kind: 'Boat', plural: 'boats', shortNames: [], columns: [], namespaced: true } satisfies Kind;

/** A world that serves boats (in namespaces), and holds namespaces `default` and `port`. */
async function harbour(): Promise<World> {
  const world = createWorld(allControllers());
  await world.add(definition('Boat'), namespace('default'), { ...namespace('port'), spec: { finalizers: ['kubernetes'] } } as KubeObject);
  await world.rest();
  return world;
}

interface Owned {
  namespace?: string;
  owners?: readonly OwnerReference[];
  finalizers?: string[];
}

const object = (base: { apiVersion: string; kind: string }, name: string, { namespace: where = 'default', owners, finalizers }: Owned = {}): KubeObject => ({
  apiVersion: base.apiVersion,
  kind: base.kind,
  metadata: { name, namespace: where, ...(owners && { ownerReferences: [...owners] }), ...(finalizers && { finalizers }) },
});

function ownedBy(world: World, kind: Kind, name: string, more: Partial<OwnerReference> = {}): OwnerReference {
  const { metadata } = world.seen().get(kind, name, 'default')!;
  return { apiVersion: kind.apiVersion, kind: kind.kind, name, uid: metadata.uid!, ...more };
}

type Policy = 'Foreground' | 'Background' | 'Orphan';

async function end(world: World, kind: Kind, name: string, propagationPolicy: Policy = 'Background'): Promise<void> {
  const { apiVersion, kind: of } = kind;
  await world.store.write({ verb: 'delete', target: { apiVersion, kind: of, name, namespace: 'default' }, propagationPolicy });
}

const names = (world: World, kind: Kind, where = 'default') =>
  world.list(kind).filter(({ metadata }) => metadata.namespace === where && metadata.name !== 'kube-root-ca.crt').map(({ metadata }) => metadata.name);

test('custom objects go with their namespace', async () => {
  const world = await harbour();
  await world.add(object(boat, 'a', { namespace: 'port' }), object(boat, 'b', { namespace: 'port' }), object(boat, 'c'));
  await world.store.write({ verb: 'delete', target: { apiVersion: 'v1', kind: 'Namespace', name: 'port' } });
  await world.pass(10);
  assert.deepEqual([names(world, boat, 'port'), names(world, boat)], [[], ['c']]);
  assert.equal(world.seen().get(namespaceKind, 'port'), undefined);
});

test('a custom object with a finalizer holds its namespace, which says so', async () => {
  const world = await harbour();
  await world.add(object(boat, 'a', { namespace: 'port', finalizers: ['example.com/anchor'] }));
  await world.store.write({ verb: 'delete', target: { apiVersion: 'v1', kind: 'Namespace', name: 'port' } });
  await world.pass(10);
  const { status } = world.seen().get(namespaceKind, 'port') as Namespace;
  const said = Object.fromEntries(status!.conditions!.map(({ type, message }) => [type, message]));
  assert.equal(said['NamespaceContentRemaining'], 'Some resources are remaining: boats.example.com has 1 resource instances');
  assert.equal(said['NamespaceFinalizersRemaining'], 'Some content in the namespace has finalizers remaining: example.com/anchor in 1 resource instances');
});

/** Owner and dependent: custom and custom, custom and built-in, built-in and custom. */
const pairs: readonly [string, Kind, Kind][] = [
  ['a custom object and its ConfigMap', boat, configMapKind as Kind],
  ['a ConfigMap and its custom object', configMapKind as Kind, boat],
  ['two custom objects', boat, boat],
];

for (const [what, owner, dependent] of pairs) {
  test(`background: ${what}: the owner goes at once, the dependent after it`, async () => {
    const world = await harbour();
    await world.add(object(owner, 'owner'));
    await world.add(object(dependent, 'dependent', { owners: [ownedBy(world, owner, 'owner')] }), object(dependent, 'other'));
    await world.rest();
    assert.deepEqual(names(world, dependent).filter((name) => name !== 'owner'), ['dependent', 'other']);
    await end(world, owner, 'owner');
    assert.equal(world.seen().get(owner, 'owner', 'default'), undefined);
    await world.rest();
    assert.deepEqual(names(world, dependent), ['other']);
  });

  test(`foreground: ${what}: the owner waits for the dependent`, async () => {
    const world = await harbour();
    await world.add(object(owner, 'owner'));
    await world.add(object(dependent, 'dependent', { owners: [ownedBy(world, owner, 'owner', { blockOwnerDeletion: true })], finalizers: ['example.com/anchor'] }));
    await end(world, owner, 'owner', 'Foreground');
    await world.rest();
    const held = world.seen().get(dependent, 'dependent', 'default')!;
    assert.ok(held.metadata.deletionTimestamp, 'the dependent is told to go');
    assert.deepEqual(world.seen().get(owner, 'owner', 'default')?.metadata.finalizers, ['foregroundDeletion']);
    await world.store.write({ verb: 'update', object: { ...held, metadata: { ...held.metadata, finalizers: [] } } });
    await world.rest();
    assert.deepEqual([names(world, owner), names(world, dependent)], [[], []]);
  });

  test(`orphan: ${what}: the dependent stays and forgets its owner`, async () => {
    const world = await harbour();
    await world.add(object(owner, 'owner'));
    await world.add(object(dependent, 'dependent', { owners: [ownedBy(world, owner, 'owner')] }));
    await end(world, owner, 'owner', 'Orphan');
    await world.rest();
    assert.equal(world.seen().get(owner, 'owner', 'default'), undefined);
    assert.deepEqual(world.seen().get(dependent, 'dependent', 'default')?.metadata.ownerReferences, undefined);
    assert.deepEqual(names(world, dependent), ['dependent']);
  });
}

test('an owner is found whichever version of its kind the reference names', async () => {
  const world = await harbour();
  await world.add(object(boat, 'owner'));
  await world.add(object(configMapKind, 'dependent', { owners: [ownedBy(world, boat, 'owner', { apiVersion: 'example.com/v1beta1' })] }));
  await world.rest();
  assert.deepEqual(names(world, configMapKind as Kind), ['dependent']);
  await end(world, boat, 'owner');
  await world.rest();
  assert.deepEqual(names(world, configMapKind as Kind), []);
});

test('an owner of a kind that nobody serves counts as there; once it is served, the truth is known', async () => {
  const world = await harbour();
  const owner = { apiVersion: 'example.com/v1', kind: 'Crew', name: 'gone', uid: 'f00d' };
  await world.add(object(configMapKind, 'dependent', { owners: [owner] }));
  await world.rest();
  assert.deepEqual(names(world, configMapKind as Kind), ['dependent']);
  await world.add(definition('Crew'));
  await world.rest();
  assert.deepEqual(names(world, configMapKind as Kind), []);
});

test('when a definition goes, its objects go, and what these owned', async () => {
  const world = await harbour();
  await world.add(object(boat, 'owner'));
  await world.add(object(configMapKind, 'dependent', { owners: [ownedBy(world, boat, 'owner')] }));
  await world.rest();
  await world.store.write({ verb: 'delete', target: { apiVersion: definitionKind.apiVersion, kind: definitionKind.kind, name: 'boats.example.com' } });
  await world.rest();
  assert.equal(world.seen().get(definitionKind, 'boats.example.com'), undefined);
  assert.deepEqual([names(world, boat), names(world, configMapKind as Kind)], [[], []]);
});

test('running controllers begin to watch a custom kind when it is defined', async () => {
  const { store, now } = await harbour();
  const clock = createManualClock(now);
  const running = startControllers({ store, controllers: allControllers(), clock, random: () => 0 });
  const settle = async () => {
    for (let seen = -1; seen !== store.snapshot().revision; ) {
      seen = store.snapshot().revision;
      await clock.advance(0);
      await running.settled(seen);
    }
  };
  try {
    await settle();
    await store.write({ verb: 'create', object: definition('Crew') });
    await settle();
    const crew: Kind = { ...boat, kind: 'Crew', plural: 'crews' };
    const owner = await store.write({ verb: 'create', object: object(crew, 'owner') });
    const reference = { apiVersion: crew.apiVersion, kind: crew.kind, name: 'owner', uid: owner.metadata.uid! };
    await store.write({ verb: 'create', object: object(crew, 'dependent', { owners: [reference] }) });
    await settle();
    assert.equal(store.snapshot().list(crew).length, 2);
    await store.write({ verb: 'delete', target: { apiVersion: crew.apiVersion, kind: crew.kind, name: 'owner', namespace: 'default' } });
    await settle();
    assert.equal(store.snapshot().list(crew).length, 0);
  } finally {
    await running.close();
    await store.close();
  }
});
