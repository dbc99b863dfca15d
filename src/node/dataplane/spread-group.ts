// The elements that let a Service port choose among its endpoints, as one group: kept as the endpoints themselves, and
// spelled out for whoever asks. Nine in ten elements of a node are of this kind.
import { LazyMap } from '../../base/data/lazy-map.ts';
import type { Endpoint } from '../../model/network-model.ts';
import { type Element, type FieldValue, printKey } from '../nft/ruleset.ts';
import { dataOf } from './fronts.ts';

/** Of one virtual address. */
export interface Spread {
  readonly key: readonly FieldValue[];
  readonly endpoints: readonly Endpoint[];
  /** Bits that every index carries. */
  readonly mark: number;
}

const elementOf = ({ key, endpoints, mark }: Spread, index: number): Element => ({ key: [...key, index | mark], data: dataOf(endpoints[index]!) });

export class SpreadGroup extends LazyMap<Element> {
  readonly #spreads: readonly Spread[];
  readonly size: number;

  /** Their keys must differ. */
  constructor(spreads: readonly Spread[]) {
    super();
    this.#spreads = spreads;
    this.size = spreads.reduce((sum, { endpoints }) => sum + endpoints.length, 0);
  }

  protected make(): ReadonlyMap<string, Element> {
    const made = new Map<string, Element>();
    for (const element of this.values()) made.set(printKey(element.key), element);
    return made;
  }

  *values(): MapIterator<Element> {
    for (const spread of this.#spreads) for (let index = 0; index < spread.endpoints.length; index++) yield elementOf(spread, index);
  }
}
