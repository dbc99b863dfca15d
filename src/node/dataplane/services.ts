// One ServicePort (of a Service or a host port) → the elements it contributes to the global maps. Pure and remembered per ServicePort, so that
// a change of one Service costs that Service only.
import { mergeRanges, printRange, rangeOf } from '../../base/net/address-ranges.ts';
import type { Family } from '../../kube/objects/meta.ts';
import type { Endpoint, ServicePort, VirtualAddress } from '../../model/network-model.ts';
import { type Chain, type Element, type ElementGroup, type FieldValue, type NftSet, printKey } from '../nft/ruleset.ts';
import { nftName } from '../nft/print.ts';
import { classOf, DISCARD, FIRST_SLOT, KEEP_SOURCE, MAX_ENDPOINTS, ONE_POD, OWN_CHAIN } from './classes.ts';
import { canonicalAddress, dataOf, type Front, frontFor } from './fronts.ts';
import { type Spread, SpreadGroup } from './spread-group.ts';
import { ownStickyParts } from './sticky.ts';

/** What one cause contributes: elements by set, and the classes whose chains it needs, as `front name` + class. */
export interface Contribution {
  readonly elements: ReadonlyMap<string, ElementGroup>;
  readonly classes: readonly { readonly front: Front; readonly number: number }[];
  /** Of its own: sticky in v6 only. */
  readonly chains: readonly Chain[];
  readonly sets: readonly NftSet[];
}

type Sink = (set: string, element: Element) => void;

/** What becomes of a Service port, as it grows: single elements, and the choices by set. */
interface Draft {
  readonly add: Sink;
  readonly spreads: Map<string, Spread[]>;
}

/** FNV-1a, 32 bits: small, stable over restarts, and spread well enough to give endpoints distinct slots. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/**
 * A slot is a number that belongs to an endpoint whatever else comes and goes, so that its clients stay with it.
 * It never carries the KEEP_SOURCE bit by chance.
 */
function slotsOf(endpoints: readonly Endpoint[], local: boolean): number[] {
  const taken = new Set<number>();
  return endpoints.map(({ address, port }) => {
    let slot = ((hash32(`${address} ${port}`) & ~KEEP_SOURCE) | FIRST_SLOT) >>> 0;
    while (taken.has(slot)) slot = (((slot + 1) & ~KEEP_SOURCE) | FIRST_SLOT) >>> 0;
    taken.add(slot);
    return local ? (slot | KEEP_SOURCE) >>> 0 : slot;
  });
}

/** Twice the same address (a Service may list one so) is one. */
function addSpread({ front, endpoints, number }: Choice, key: readonly FieldValue[], { spreads }: Draft): void {
  if (endpoints.length === 0) return;
  const set = `${front.name}-endpoints`;
  const spread: Spread = { key, endpoints, mark: front.local || number === ONE_POD ? KEEP_SOURCE : 0 };
  const there = spreads.get(set);
  if (!there) spreads.set(set, [spread]);
  else if (!there.some((other) => printKey(other.key) === printKey(key))) there.push(spread);
}

function addSticky({ front, endpoints }: Choice, key: readonly FieldValue[], { add }: Draft): void {
  const slots = slotsOf(endpoints, front.local);
  endpoints.forEach((endpoint, index) => {
    const slot = slots[index]!;
    add(`${front.name}-slots`, { key: [...key, index], data: [slot] });
    add(`${front.name}-slots`, { key: [...key, slot], data: [slot] });
    add(`${front.name}-sticky`, { key: [...key, slot], data: dataOf(endpoint) });
  });
}

/** Which endpoints serve at a front; none at all = the front says nothing about this port. */
interface Choice {
  readonly front: Front;
  /** Only this node's endpoints, by internal policy: at the same front other addresses may have the whole cluster's. */
  readonly isInternalLocal: boolean;
  readonly endpoints: readonly Endpoint[];
  readonly number: number;
}

function choicesFor(service: ServicePort, virtual: VirtualAddress): Choice[] {
  const by = virtual.type === 'nodePort' ? 'nodePort' : 'address';
  const choice = (local: boolean, confined: boolean): Choice => {
    const endpoints = (confined ? (service.localEndpoints ?? []) : service.endpoints).slice(0, MAX_ENDPOINTS);
    const empty = confined && service.endpoints.length > 0 ? DISCARD : classOf(service.family, 0);
    const number = endpoints.length === 0 ? empty : classOf(service.family, endpoints.length, service.stickySeconds);
    return { front: frontFor(service.family, by, local), isInternalLocal: confined && !local, endpoints, number };
  };
  if (virtual.type === 'hostPort') return [{ ...choice(false, false), number: ONE_POD }];
  // A cluster IP binds everyone, other addresses only clients from outside (KPX-36); see model/services/masquerade.ts.
  if (virtual.type === 'clusterIP') return [choice(false, virtual.localOnly)];
  return virtual.localOnly && service.endpoints.length > 0 ? [choice(false, false), choice(true, true)] : [choice(false, false)];
}

function addVirtual(service: ServicePort, virtual: VirtualAddress, draft: Draft): Choice[] {
  const { add } = draft;
  const port: FieldValue[] = [service.protocol.toLowerCase(), virtual.port];
  const key = virtual.address === undefined ? port : [canonicalAddress(virtual.address), ...port];
  const choices = choicesFor(service, virtual);
  for (const choice of choices) {
    const { front, number } = choice;
    add(front.name, { key, data: [number], origin: service.origin });
    (service.stickySeconds ? addSticky : addSpread)(choice, key, draft);
    if (number === OWN_CHAIN) add(`${front.name}-own`, { key, verdict: { do: 'goto', chain: ownName(choice, service) } });
  }
  if (virtual.type === 'clusterIP') add(`cluster-ips${service.family}`, { key: [key[0]!], origin: service.origin });
  if (virtual.type === 'loadBalancer' && service.allowedSources) addAllowedSources(service, key, add);
  return choices;
}

/** `service6/default/web/http/tcp` */
const ownName = ({ front, isInternalLocal }: Choice, { key }: ServicePort): string =>
  nftName(`${front.name}${isInternalLocal ? '-internal' : ''}/${key.replace(':', '/').replace(/\/[46]$/, '')}`);

/** Once per front and choice of endpoints, however many addresses the port has there. */
function ownParts(service: ServicePort, choices: readonly Choice[]): Pick<Contribution, 'chains' | 'sets'> {
  const byName = new Map(choices.filter(({ number }) => number === OWN_CHAIN).map((choice) => [ownName(choice, service), choice]));
  const parts = [...byName].map(([name, { front, endpoints }]) => ownStickyParts(front, { name, count: endpoints.length, seconds: service.stickySeconds ?? 0 }));
  return { chains: parts.flatMap(({ chains }) => chains), sets: parts.map(({ clients }) => clients) };
}

/** Sources of the other family are none of this address's business, but guard it all the same: nobody may come. */
function addAllowedSources({ allowedSources, family, origin }: ServicePort, key: readonly FieldValue[], add: Sink): void {
  add(`guarded${family}`, { key, origin });
  const ranges = (allowedSources ?? []).map(rangeOf).filter((range) => range.family === family);
  for (const range of mergeRanges(ranges)) add(`allowed-sources${family}`, { key: [...key, printRange(range)], origin });
}

/** Slices written by hand seldom say on which node an endpoint is: it may be a pod of this one. */
export const mayBeHere = ({ local, node }: Endpoint): boolean => local || node === undefined;

/** A pod that reaches itself must see another source than itself (KPX-14). */
function addHairpins(family: Family, endpoints: readonly Endpoint[], add: Sink): void {
  for (const endpoint of endpoints.filter(mayBeHere)) {
    const address = canonicalAddress(endpoint.address);
    add(`hairpin${family}`, { key: [address, address] });
  }
}

export function renderService(service: ServicePort): Contribution {
  const elements = new Map<string, Map<string, Element>>();
  const add: Sink = (set, element) => {
    let group = elements.get(set);
    if (!group) elements.set(set, (group = new Map()));
    group.set(printKey(element.key), element);
  };
  const spreads = new Map<string, Spread[]>();
  const choices = service.virtual.flatMap((virtual) => addVirtual(service, virtual, { add, spreads }));
  addHairpins(service.family, service.endpoints, add);
  if (service.localEndpoints) addHairpins(service.family, service.localEndpoints, add);
  const groups = new Map<string, ElementGroup>(elements);
  for (const [set, list] of spreads) groups.set(set, new SpreadGroup(list));
  return { elements: groups, classes: choices.map(({ front, number }) => ({ front, number })), ...ownParts(service, choices) };
}
