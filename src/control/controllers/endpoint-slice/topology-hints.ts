// `service.kubernetes.io/topology-mode: Auto`: endpoints are allotted to zones in proportion to the zones' CPU, with as few
// slices rewritten as can be. The algorithm of Kubernetes 1.32, step by step (TOPO 5.1 B to G), made deterministic: where
// Kubernetes takes any zone, we take the first by name. Pure; one call per Service and address type.
import type { Service } from '../../../kube/objects/core.ts';
import type { SliceEndpoint } from '../../../kube/objects/networking.ts';
import type { ZoneRatios } from './zone-ratios.ts';

type Endpoints = readonly SliceEndpoint[];

export interface HintQuestion {
  /** Slices that are written anyway: new ones first. */
  readonly changing: readonly Endpoints[];
  /** Slices that need no write as far as their endpoints go; they carry the hints they have. */
  readonly resting: readonly Endpoints[];
  readonly ratios: ZoneRatios;
}

export interface HintAnswer {
  readonly changing: readonly Endpoints[];
  /** Undefined: this one may rest. */
  readonly resting: readonly (Endpoints | undefined)[];
  /** Why nobody has hints. */
  readonly disabled?: string;
}

/** So much more than its share an endpoint may get before hints are given up. */
const overload = 0.2;

const isReady = ({ conditions }: SliceEndpoint): boolean => conditions?.ready === true;
const hintsOf = ({ hints }: SliceEndpoint): string[] => (hints?.forZones ?? []).map(({ name }) => name);
const hinted = (endpoint: SliceEndpoint, zone: string): SliceEndpoint => ({ ...endpoint, hints: { forZones: [{ name: zone }] } });

export function withoutHints(endpoint: SliceEndpoint): SliceEndpoint {
  if (!endpoint.hints) return endpoint;
  const { hints: _, ...rest } = endpoint;
  return rest;
}

const annotations = ['service.kubernetes.io/topology-aware-hints', 'service.kubernetes.io/topology-mode'];

/** TOPO-01, TOPO-02: the older annotation wins; values of others' making mean that others make the hints (TOPO-25). */
export function wantsTopologyHints({ metadata }: Service): boolean {
  const value = annotations.map((name) => metadata.annotations?.[name]).find((each) => each !== undefined);
  return value === 'Auto' || value === 'auto';
}

export function hintsFor(question: HintQuestion): HintAnswer {
  const ready = [...question.changing, ...question.resting].flat().filter(isReady);
  const allotment = allot(question.ratios, ready.length);
  if (typeof allotment === 'string') return disabled(question, allotment);
  const { rests, counts } = leaveAlone(question.resting, allotment);
  if (question.changing.length === 0 && rests.every(Boolean)) return { changing: [], resting: question.resting.map(() => undefined) };
  const open = [...question.changing, ...question.resting.filter((_, i) => !rests[i])];
  if (open.flat().some((endpoint) => isReady(endpoint) && !endpoint.zone)) return disabled(question, 'One or more endpoints do not have a zone specified');
  for (const { zone } of open.flat().filter(isReady)) add(counts, zone!, 1);
  if (counts.size === 0) return disabled(question, 'No hints allocated for zones');
  const written = redistribute(open, planMoves(counts, allotment));
  const rewritten = written.slice(question.changing.length)[Symbol.iterator]();
  return { changing: written.slice(0, question.changing.length), resting: rests.map((rest) => (rest ? undefined : (rewritten.next().value as Endpoints))) };
}

function disabled({ changing, resting }: HintQuestion, why: string): HintAnswer {
  const strip = (endpoints: Endpoints): Endpoints => endpoints.map(withoutHints);
  return { changing: changing.map(strip), resting: resting.map((endpoints) => (endpoints.some(({ hints }) => hints) ? strip(endpoints) : undefined)), disabled: why };
}

interface Share {
  readonly desired: number;
  readonly most: number;
}

type Allotment = ReadonlyMap<string, Share>;

/** Step B. A text says why there can be none. */
function allot(ratios: ZoneRatios, count: number): Allotment | string {
  if (!ratios) return 'Insufficient Node information: allocatable CPU or zone not specified on one or more nodes';
  if (ratios.size < 2) return 'Nodes only ready in one zone';
  if (ratios.size > count) return `Insufficient number of endpoints (${count} endpoints, ${ratios.size} zones)`;
  const least = new Map([...ratios].map(([zone, ratio]) => [zone, Math.ceil(ratio * count * (1 / (1 + overload)))]));
  const sum = [...least.values()].reduce((total, each) => total + each, 0);
  if (sum > count) return `Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (${count} endpoints, ${ratios.size} zones)`;
  return new Map([...ratios].map(([zone, ratio]) => [zone, { desired: Math.max(ratio * count, least.get(zone)!), most: least.get(zone)! + count - sum }]));
}

const add = (counts: Map<string, number>, zone: string, by: number): Map<string, number> => counts.set(zone, (counts.get(zone) ?? 0) + by);

/** Step C: a slice rests while its hints are whole and do not overfill a zone (TOPO-17). */
function leaveAlone(resting: readonly Endpoints[], allotment: Allotment): { rests: boolean[]; counts: Map<string, number> } {
  const counts = new Map<string, number>();
  const rests = resting.map((endpoints) => {
    const own = new Map<string, number>();
    for (const endpoint of endpoints.filter(isReady)) {
      const zones = hintsOf(endpoint);
      if (zones.length === 0 || !zones.every((zone) => allotment.has(zone))) return false;
      for (const zone of zones) add(own, zone, 1);
    }
    if ([...own].some(([zone, more]) => (counts.get(zone) ?? 0) + more > allotment.get(zone)!.most)) return false;
    for (const [zone, more] of own) add(counts, zone, more);
    return true;
  });
  return { rests, counts };
}

interface Moves {
  readonly from: Map<string, number>;
  readonly to: Map<string, number>;
}

/** The zone with the most; of equals the first by name. */
function largest(amounts: ReadonlyMap<string, number>): [zone: string, amount: number] | undefined {
  return [...amounts].toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))[0];
}

const isWorthMoving = (given: number, needed: number): boolean => Math.max(given, needed) >= 1 && Math.min(given, needed) >= 0.5;

/** Step E: whole endpoints from the fullest zone to the neediest, until it is not worth another (TOPO-18). */
function planMoves(counts: ReadonlyMap<string, number>, allotment: Allotment): Moves {
  const give = new Map<string, number>();
  const need = new Map<string, number>();
  for (const zone of new Set([...counts.keys(), ...allotment.keys()])) {
    const over = (counts.get(zone) ?? 0) - (allotment.get(zone)?.desired ?? 0);
    if (over > 0) give.set(zone, over);
    if (over < 0) need.set(zone, -over);
  }
  const moves: Moves = { from: new Map(), to: new Map() };
  for (;;) {
    const [giver, needy] = [largest(give), largest(need)];
    if (!giver || !needy || !isWorthMoving(giver[1], needy[1])) return moves;
    add(moves.from, giver[0], 1);
    add(give, giver[0], -1);
    add(moves.to, needy[0], 1);
    add(need, needy[0], -1);
  }
}

/** Steps D and F: everyone to the own zone, but for those who move. */
function redistribute(slices: readonly Endpoints[], { from, to }: Moves): Endpoints[] {
  const place = (endpoint: SliceEndpoint): SliceEndpoint => {
    if (!isReady(endpoint)) return withoutHints(endpoint);
    const own = endpoint.zone!;
    const other = (from.get(own) ?? 0) > 0 ? [...to.keys()].toSorted().find((zone) => to.get(zone)! > 0) : undefined;
    if (other === undefined) return hinted(endpoint, own);
    add(from, own, -1);
    add(to, other, -1);
    return hinted(endpoint, other);
  };
  return slices.map((endpoints) => endpoints.map(place));
}
