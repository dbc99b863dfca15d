// Answers from the cluster's zone, remembered by the very bytes of the question: pods ask the same things over and over.
// An answer of the zone depends on the packet (but for its id) and the directory alone, so a new directory forgets all.
import type { NameDirectory } from '../../model/network-model.ts';

export interface RememberedAnswers {
  find(packet: Buffer): Buffer | undefined;
  /** For answers that follow from the zone and the packet alone. */
  keep(packet: Buffer, answer: Buffer): void;
}

/** Together some megabytes at most, whatever is asked. */
const mostAnswers = 20_000;
const longestQuestion = 160;

export function createRememberedAnswers(directory: () => NameDirectory | undefined): RememberedAnswers {
  const answers = new Map<string, Buffer>();
  let of: NameDirectory | undefined;

  /** All but the id. */
  const keyOf = (packet: Buffer): string => packet.toString('latin1', 2);

  function forgetIfChanged(): void {
    const now = directory();
    if (now === of) return;
    of = now;
    answers.clear();
  }

  return {
    find(packet) {
      forgetIfChanged();
      const known = packet.length > longestQuestion ? undefined : answers.get(keyOf(packet));
      if (!known) return undefined;
      // A copy: the last one may still wait to be sent, with another's id.
      const answer = Buffer.allocUnsafe(known.length);
      known.copy(answer);
      answer[0] = packet[0]!;
      answer[1] = packet[1]!;
      return answer;
    },
    keep(packet, answer) {
      forgetIfChanged();
      if (packet.length > longestQuestion) return;
      // Somebody asks for names at random: start over rather than keep track of what is old.
      if (answers.size >= mostAnswers) answers.clear();
      answers.set(keyOf(packet), answer);
    },
  };
}
