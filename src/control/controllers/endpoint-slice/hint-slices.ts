// Topology hints on a plan of slices, and what is said about them: where topology-hints.ts meets the controller.
import type { Service } from '../../../kube/objects/core.ts';
import type { EndpointSlice, SliceEndpoint } from '../../../kube/objects/networking.ts';
import { createEvent } from '../writes.ts';
import type { Write } from '../../../kube/store/store.ts';
import type { Distribution, Filling, Wanted } from './distribute.ts';
import { hintsFor } from './topology-hints.ts';
import type { ZoneRatios } from './zone-ratios.ts';

type AddressType = EndpointSlice['addressType'];

/** What became of the hints of one address type. */
export interface HintNews {
  readonly addressType: AddressType;
  readonly state: 'enabled' | 'removed' | { readonly disabled: string };
  /** There were hints before. */
  readonly had: boolean;
}

const identityOf = ({ addresses, targetRef }: SliceEndpoint): string => `${addresses[0]} ${targetRef?.uid ?? ''}`;
const hasHints = ({ endpoints }: EndpointSlice): boolean => endpoints.some(({ hints }) => hints?.forZones?.length);

/** Ready endpoints keep the hints they have, so that slices are not written only for want of them. */
export function keepHints(wanted: readonly Wanted[], slices: readonly EndpointSlice[]): Wanted[] {
  const known = new Map(slices.flatMap(({ endpoints }) => endpoints).map((endpoint) => [identityOf(endpoint), endpoint.hints]));
  const keep = (endpoint: SliceEndpoint): SliceEndpoint => {
    const hints = endpoint.conditions?.ready ? known.get(identityOf(endpoint)) : undefined;
    return hints ? { ...endpoint, hints } : endpoint;
  };
  return wanted.map((group) => ({ ...group, endpoints: group.endpoints.map(keep) }));
}

/** TOPO-19: each address type by itself. */
export function hintSlices(plan: Distribution, slices: readonly EndpointSlice[], ratios: ZoneRatios): { plan: Distribution; news: HintNews[] } {
  const types = [...new Set([...plan.fill, ...plan.unchanged].map(({ addressType }) => addressType))];
  const parts = types.map((addressType) => hintType({ plan, slices, ratios }, addressType));
  return {
    plan: { fill: parts.flatMap(({ fill }) => fill), unchanged: parts.flatMap(({ unchanged }) => unchanged), remove: plan.remove },
    news: parts.map(({ news }) => news),
  };
}

interface Around {
  plan: Distribution;
  slices: readonly EndpointSlice[];
  ratios: ZoneRatios;
}

function hintType({ plan, slices, ratios }: Around, addressType: AddressType): { fill: Filling[]; unchanged: EndpointSlice[]; news: HintNews } {
  const fill = plan.fill.filter((each) => each.addressType === addressType).toSorted((a, b) => Number(a.of !== undefined) - Number(b.of !== undefined));
  const resting = plan.unchanged.filter((each) => each.addressType === addressType);
  const answer = hintsFor({ changing: fill.map(({ endpoints }) => endpoints), resting: resting.map(({ endpoints }) => endpoints), ratios });
  const rewritten = resting.flatMap((of, i): Filling[] => {
    const endpoints = answer.resting[i];
    return endpoints ? [{ of, addressType, ports: of.ports ?? [], endpoints }] : [];
  });
  return {
    fill: [...fill.map((each, i): Filling => ({ ...each, endpoints: answer.changing[i]! })), ...rewritten],
    unchanged: resting.filter((_, i) => !answer.resting[i]),
    news: {
      addressType,
      state: answer.disabled === undefined ? 'enabled' : { disabled: answer.disabled },
      had: slices.some((slice) => slice.addressType === addressType && hasHints(slice)),
    },
  };
}

/** The annotation is gone while slices still have hints. */
export const removedNews = (slices: readonly EndpointSlice[]): HintNews[] =>
  [...new Set(slices.filter(hasHints).map(({ addressType }) => addressType))].map((addressType) => ({ addressType, state: 'removed', had: true }));

/** TOPO-14 to TOPO-16: says what is new, and nothing twice. Remembers by Service and address type. */
export function createHintAnnouncer(): (service: Service, news: readonly HintNews[], now: Date) => Write[] {
  const said = new Map<string, string>();
  return (service, news, now) =>
    news.flatMap(({ addressType, state, had }) => {
      const key = `${service.metadata.uid} ${addressType}`;
      const before = said.get(key);
      const { reason, type, text } = wordsFor(state);
      if (state === 'removed') said.delete(key);
      else said.set(key, text);
      // Hints of trafficDistribution go without a word; and what stood before we began is no news.
      const isNews = state === 'removed' ? before !== undefined : before !== text && !(state === 'enabled' && had);
      return isNews ? [createEvent({ about: service, type, reason, message: `${text}, addressType: ${addressType}`, component: 'endpoint-slice-controller' }, now)] : [];
    });
}

function wordsFor(state: HintNews['state']): { reason: string; type: 'Normal' | 'Warning'; text: string } {
  if (state === 'enabled') return { reason: 'TopologyAwareHintsEnabled', type: 'Normal', text: 'Topology Aware Hints has been enabled' };
  const text = state === 'removed' ? 'Topology Aware Hints has been disabled' : state.disabled;
  return { reason: 'TopologyAwareHintsDisabled', type: 'Warning', text };
}
