// What the agent does of its node, one part after the other: rules, links, connections …
import type { NetworkModel } from '../../model/network-model.ts';
import type { Applied, Driver } from '../linux/driver.ts';

/** One part of the machine that follows the model. */
export interface AgentStep {
  readonly name: string;
  apply(model: NetworkModel): Promise<Applied>;
  /** See Driver. */
  check?(): Promise<boolean>;
  remove(): Promise<void>;
}

/** A pure rendering and the driver that takes it. */
export const step = <Desired>(render: (model: NetworkModel) => Desired, driver: Driver<Desired>): AgentStep => ({
  name: driver.name,
  apply: (model) => driver.apply(render(model)),
  check: async () => (await driver.check?.()) ?? true,
  remove: () => driver.remove(),
});
