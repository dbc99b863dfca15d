// What kinds must know about the cluster they are served in: where Service addresses and ports come from.
// The order of the ranges is their priority; the family of the first one is the default family.
import { type Prefix, prefixOf } from '../../base/net/prefix.ts';
import type { IPFamily } from '../objects/meta.ts';

export interface ClusterConfig {
  /** One prefix per family at most, `10.96.0.0/16`. */
  readonly serviceCidrs: readonly string[];
  /** Both ends belong to it. */
  readonly nodePorts: { readonly first: number; readonly last: number };
}

export const defaultClusterConfig: ClusterConfig = {
  serviceCidrs: ['10.96.0.0/16', 'fd00:10:96::/112'],
  nodePorts: { first: 30_000, last: 32_767 },
};

export interface ServiceRange {
  readonly family: IPFamily;
  readonly prefix: Prefix;
  readonly text: string;
}

export const ipFamily = (family: 4 | 6): IPFamily => (family === 4 ? 'IPv4' : 'IPv6');

export const serviceRanges = (config: ClusterConfig): ServiceRange[] =>
  config.serviceCidrs.map((text) => {
    const prefix = prefixOf(text);
    return { family: ipFamily(prefix.family), prefix, text };
  });
