// A scenario file: read strictly, so that a misspelt key is an error and not a test that tests nothing.
import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import type { Scope } from '../../../src/model/network-model.ts';
import type { Elsewhere } from './name-judges.ts';
import { type NameLine, parseNameLine } from './name-lines.ts';
import { type PacketLine, parsePacketLine } from './packet-lines.ts';
import type { ShortObject } from './short-objects.ts';

export interface Step {
  readonly about?: string;
  /** Short forms or manifests: added, or changing what is there. */
  readonly objects: readonly ShortObject[];
  /** `Pod x/a`, `NetworkPolicy x/deny`. */
  readonly remove: readonly string[];
  readonly packets: readonly PacketLine[];
  readonly names: readonly NameLine[];
}

export interface Scenario {
  readonly about: string;
  readonly world: string;
  readonly scope: Partial<Scope>;
  /** What the name servers outside know; none: there are no servers outside. */
  readonly elsewhere: Elsewhere;
  /** The first is the scenario itself, the others its `then:`. */
  readonly steps: readonly Step[];
}

const stepKeys = ['about', 'objects', 'remove', 'packets', 'names'];
const scenarioKeys = [...stepKeys, 'world', 'scope', 'elsewhere', 'then'];

type Raw = Record<string, unknown>;

export function parseScenario(text: string): Scenario {
  const raw = load(text) as Raw;
  refuse(raw, scenarioKeys);
  if (typeof raw['about'] !== 'string' || typeof raw['world'] !== 'string') throw new Error('a scenario needs `about` and `world`');
  const later = (raw['then'] as Raw[] | undefined) ?? [];
  for (const step of later) refuse(step, stepKeys);
  const { about, world, scope = {}, elsewhere = {} } = raw as { about: string; world: string; scope?: Partial<Scope>; elsewhere?: Elsewhere };
  return { about, world, scope, elsewhere, steps: [raw, ...later].map(readStep) };
}

export const readScenario = (path: string): Scenario => parseScenario(readFileSync(path, 'utf8'));

const readStep = (raw: Raw): Step => ({
  ...(raw['about'] ? { about: String(raw['about']) } : {}),
  objects: (raw['objects'] as ShortObject[] | undefined) ?? [],
  remove: (raw['remove'] as string[] | undefined) ?? [],
  packets: ((raw['packets'] as string[] | undefined) ?? []).flatMap(parsePacketLine),
  names: ((raw['names'] as string[] | undefined) ?? []).flatMap(parseNameLine),
});

function refuse(raw: Raw, known: readonly string[]): void {
  const unknown = Object.keys(raw).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new Error(`unknown key ${unknown}; known are ${known.join(', ')}`);
}
