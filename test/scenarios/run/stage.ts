// A world at one moment, compiled for every node: what the judges are asked about.
import type { KubeObject } from '../../../src/kube/objects/meta.ts';
import type { Snapshot } from '../../../src/kube/store/store.ts';
import { type Compiler, createCompiler } from '../../../src/model/compile.ts';
import type { NetworkModel, Scope } from '../../../src/model/network-model.ts';
import { type World, compileWorld } from '../../../src/model/nodes/world.ts';
import { type Fixture, type OutsideHost, worlds } from '../worlds.ts';
import { snapshotOf } from './test-snapshot.ts';

export interface Stage {
  /** Everything there is, derived slices too. */
  readonly objects: readonly KubeObject[];
  readonly snapshot: Snapshot;
  readonly scope: Omit<Scope, 'node'>;
  /** By node name. */
  readonly models: ReadonlyMap<string, NetworkModel>;
  readonly world: World;
  readonly hosts: Readonly<Record<string, OutsideHost>>;
}

/** Holds one compiler per node, which live through all steps as the agents' do. */
export interface Stagehand {
  show(objects: readonly KubeObject[]): Stage;
}

export function fixtureOf(name: string): Fixture {
  const fixture = worlds[name];
  if (!fixture) throw new Error(`no world ${name}; there are ${Object.keys(worlds).join(', ')}`);
  return fixture;
}

export function createStagehand(fixture: Fixture, scope: Partial<Scope> = {}): Stagehand {
  const whole = { ...fixture.scope, ...scope };
  const compilers = new Map<string, Compiler>();
  let snapshot: Snapshot | undefined;
  return {
    show(objects) {
      snapshot = snapshotOf(objects, snapshot);
      const seen = snapshot;
      const nodes = objects.filter(({ kind }) => kind === 'Node').map(({ metadata }) => metadata.name).sort();
      for (const node of nodes) if (!compilers.has(node)) compilers.set(node, createCompiler({ ...whole, node }));
      const models = new Map(nodes.map((node): [string, NetworkModel] => [node, (compilers.get(node) as Compiler)(seen)]));
      return { objects, snapshot: seen, scope: whole, models, world: compileWorld(seen), hosts: fixture.hosts };
    },
  };
}
