// The ranges that Service addresses come from at this moment: those of the ServiceCIDRs that are ready. The configured
// ones stand in for the object `kubernetes` until it is there (IPAM-40 … IPAM-44).
import { prefixOf } from '../../../base/net/prefix.ts';
import { isConditionTrue } from '../../meaning/conditions.ts';
import type { ServiceCIDR } from '../../objects/networking.ts';
import { ipFamily, type ServiceRange } from '../cluster-config.ts';

export const defaultRangeName = 'kubernetes';

export const rangesOf = ({ spec }: ServiceCIDR): ServiceRange[] =>
  (spec?.cidrs ?? []).map((text) => {
    const prefix = prefixOf(text);
    return { family: ipFamily(prefix.family), prefix, text };
  });

/** The default one need not wait for its controller: without it nothing could begin. */
export const allocates = ({ metadata, status }: ServiceCIDR): boolean =>
  metadata.deletionTimestamp === undefined && (metadata.name === defaultRangeName || isConditionTrue(status?.conditions, 'Ready'));

/** Remembered for the last list: it hardly ever changes, and every Service asks. */
export function currentRanges(configured: readonly ServiceRange[]): (objects: readonly ServiceCIDR[]) => readonly ServiceRange[] {
  let seen: readonly ServiceCIDR[] | undefined;
  let ranges = configured;
  return (objects) => {
    if (objects === seen) return ranges;
    seen = objects;
    const isDefault = ({ metadata }: ServiceCIDR) => metadata.name === defaultRangeName;
    const first = objects.find(isDefault);
    const others = objects.filter((object) => !isDefault(object) && allocates(object)).flatMap(rangesOf);
    ranges = [...(first ? (allocates(first) ? rangesOf(first) : []) : configured), ...others];
    return ranges;
  };
}
