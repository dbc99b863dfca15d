// Who is asked what becomes of a packet. All judges must give the same set of answers.
// A judge that needs the kernel, or another reading of the model, is one more entry in `judges`.
import type { Outcome } from '../../../src/model/packet.ts';
import { trace } from '../../../src/model/trace.ts';
import { evaluatorJudge } from './evaluator-judge.ts';
import type { Probe } from './packet-lines.ts';
import { printAnswer } from './print-answer.ts';
import type { Stage } from './stage.ts';

export interface Judge {
  readonly name: string;
  /** Every possible answer, in the words of `packets:` lines. */
  ask(stage: Stage, probe: Probe): Promise<ReadonlySet<string>>;
}

export const outcomesOf = (stage: Stage, { packet, from }: Probe): readonly Outcome[] => trace(packet, from, stage.models, stage.world);

export const modelJudge: Judge = {
  name: 'model',
  ask: async (stage, probe) => new Set(outcomesOf(stage, probe).map((outcome) => printAnswer(outcome.trace, stage))),
};

export const judges: readonly Judge[] = [modelJudge, evaluatorJudge];
