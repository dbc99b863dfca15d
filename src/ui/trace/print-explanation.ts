// An explanation in words: one line a step, each with the object that caused it.
import { printRef } from '../../model/network-model.ts';
import type { Hop, Outcome } from '../../model/packet.ts';
import type { Explanation, NameStep, Try } from './explain.ts';

const percent = (chance: number): string => `${Math.round(chance * 100)} %`;

const outcomeWords: Readonly<Record<NameStep['outcome'], string>> = {
  found: '',
  noData: 'exists without an address',
  noSuchName: 'does not exist',
  notOurs: 'is asked of servers outside the cluster',
};

function nameLine(step: NameStep): Line {
  const answer = step.outcome === 'found' ? `is ${step.addresses.join(', ') || 'an alias that leads outside'}` : outcomeWords[step.outcome];
  return { at: 'name', did: `${step.name} ${answer}`, ...(step.because && { because: printRef(step.because) }) };
}

interface Line {
  at: string;
  did: string;
  because?: string;
}

const hopLine = (hop: Hop): Line => ({ at: hop.at, did: `${hop.node}: ${hop.did}`, ...(hop.because && { because: printRef(hop.because) }) });

/** Lines up stages and causes; a cause stands at the end of its line. */
function layOut(lines: readonly Line[], indent: string): string[] {
  const stage = Math.max(...lines.map((line) => line.at.length));
  const widest = Math.max(...lines.map((line) => line.did.length));
  return lines.map(({ at, did, because }) => `${indent}${at.padEnd(stage)}  ${because ? `${did.padEnd(widest)}  because ${because}` : did}`);
}

function outcomeLines({ chance, trace: { hops, verdict, to } }: Outcome, alone: boolean): string[] {
  const end = to ? `${verdict} to ${printRef(to)}` : verdict;
  return [...layOut(hops.map(hopLine), '    '), `    => ${end}${alone ? '' : ` (${percent(chance)})`}`];
}

function tryLines({ packet, outcomes }: Try): string[] {
  const destination = packet.family === 6 ? `[${packet.destination}]` : packet.destination;
  return [`  ${packet.protocol} to ${destination}:${packet.destinationPort}`, ...outcomes.flatMap((outcome) => outcomeLines(outcome, outcomes.length === 1))];
}

export function printExplanation({ from, names, unheard, tries, verdict, chance, reason }: Explanation): string {
  const lines = [`${printRef(from.pod)} on ${from.node} (${from.addresses.join(', ')})`];
  if (names.length > 0) lines.push(...layOut(names.map(nameLine), '  '));
  for (const each of unheard ? [unheard] : tries) lines.push(...tryLines(each));
  const words = { delivered: 'reachable', fails: `not reachable: ${reason}`, sometimes: `reachable in ${percent(chance)} of tries; else: ${reason}` };
  lines.push(words[verdict]);
  return lines.join('\n');
}
