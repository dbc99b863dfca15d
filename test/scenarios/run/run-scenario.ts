// Plays a scenario: every line to every judge at every step, then every way to the same end.
import { PatchedMap } from '../../../src/base/data/patched-map.ts';
import assert from 'node:assert/strict';
import type { KubeObject } from '../../../src/kube/objects/meta.ts';
import { deriveSlices } from './derive-slices.ts';
import { expansions } from './expansions.ts';
import { type Judge, judges as allJudges, outcomesOf } from './judges.ts';
import { nameJudges } from './name-judges.ts';
import { expectedAnswers, type NameLine, probeName } from './name-lines.ts';
import { type PacketLine, probeOf } from './packet-lines.ts';
import type { Scenario, Step } from './scenario.ts';
import { identityOf, toManifests } from './short-objects.ts';
import { type Stage, createStagehand, fixtureOf } from './stage.ts';

export interface Moment {
  readonly index: number;
  readonly step: Step;
  readonly stage: Stage;
}

/** The world after each step, in order. */
export function* momentsOf(scenario: Scenario): Iterable<Moment> {
  const fixture = fixtureOf(scenario.world);
  const stagehand = createStagehand(fixture, scenario.scope);
  let objects: readonly KubeObject[] = fixture.objects;
  let slices: readonly KubeObject[] = [];
  for (const [index, step] of scenario.steps.entries()) {
    const left = objects.filter((object) => !step.remove.includes(identityOf(object)));
    const missing = step.remove.length - (objects.length - left.length);
    assert.equal(missing, 0, `step ${index}: \`remove\` names objects that are not there: ${step.remove.join(', ')}`);
    objects = toManifests(step.objects, left);
    slices = deriveSlices(objects, slices);
    yield { index, step, stage: stagehand.show([...objects, ...slices]) };
  }
}

export const printMoment = (scenario: Scenario, { index, step }: Moment): string =>
  `${scenario.about} (step ${index}${step.about ? `: ${step.about}` : ''})`;

/** Rejects with every line on which a judge differs, each with all answers. Resolves with the last stage. */
export async function playScenario(scenario: Scenario, judges: readonly Judge[] = allJudges): Promise<Stage> {
  let last: Stage | undefined;
  for (const moment of momentsOf(scenario)) {
    const complaints: string[] = [];
    for (const line of moment.step.packets) complaints.push(...(await judgeLine(line, moment.stage, judges)));
    for (const line of moment.step.names) complaints.push(...(await judgeName(line, moment.stage, scenario)));
    assert.deepEqual(complaints, [], [printMoment(scenario, moment), ...complaints].join('\n'));
    last = moment.stage;
  }
  return last!;
}

async function judgeLine(line: PacketLine, stage: Stage, judges: readonly Judge[]): Promise<string[]> {
  const probe = probeOf(line, stage);
  const answers = await Promise.all(judges.map(async (judge) => ({ name: judge.name, said: sorted(await judge.ask(stage, probe)) })));
  const expected = sorted(line.answers);
  if (answers.every(({ said }) => said === expected)) return [];
  const path = outcomesOf(stage, probe).map(({ trace }) => trace.hops.map(({ node, did }) => `      ${node}: ${did}`).join('\n'));
  return [[`  ${line.text}`, ...answers.map(({ name, said }) => `    ${name}: ${said}`), '    the model says:', path.join('\n      or\n')].join('\n')];
}

const sorted = (answers: Iterable<string>): string => [...answers].sort().join(' | ');

async function judgeName(line: NameLine, stage: Stage, { elsewhere }: Scenario): Promise<string[]> {
  const probe = probeName(line, stage);
  const expected = sorted(expectedAnswers(line, stage));
  const answers = await Promise.all(nameJudges.map(async ({ name, ask }) => ({ name, said: sorted(await ask(stage, probe, elsewhere)) })));
  if (answers.every(({ said }) => said === expected)) return [];
  return [[`  ${line.text}`, `    expected: ${expected}`, ...answers.map(({ name, said }) => `    ${name}: ${said}`)].join('\n')];
}

/** Whatever way the objects came, a compiler that lived through it must end where a fresh one starts. */
export async function playExpansions(scenario: Scenario, end: Stage): Promise<void> {
  const fixture = fixtureOf(scenario.world);
  const expected = withoutRevisions(createStagehand(fixture, scenario.scope).show(end.objects));
  for (const { name, history } of expansions) {
    const stagehand = createStagehand(fixture, scenario.scope);
    const stages = history(end.objects).map((objects) => stagehand.show(objects));
    const reached = stages.at(-1);
    if (!reached) continue;
    assert.deepEqual(withoutRevisions(reached), expected, `${scenario.about}: ${name}`);
    const complaints: string[] = [];
    for (const line of scenario.steps.at(-1)?.names ?? []) complaints.push(...(await judgeName(line, reached, scenario)));
    assert.deepEqual(complaints, [], [`${scenario.about}: ${name}`, ...complaints].join('\n'));
  }
}

const withoutRevisions = ({ models }: Stage): unknown => plainMaps(new Map([...models].map(([node, model]) => [node, { ...model, revision: 0 }])));

/** Maps that remember what they were patched from hold the same entries as plain ones: only those are compared. */
function plainMaps(value: unknown): unknown {
  if (value instanceof Set || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plainMaps);
  if (value instanceof Map || value instanceof PatchedMap) return new Map([...(value as ReadonlyMap<string, unknown>)].map(([key, inner]) => [key, plainMaps(inner)]));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainMaps(inner)]));
}
