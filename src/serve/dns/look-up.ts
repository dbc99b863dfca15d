// Names that are not ours: remembered answers first, then the servers whose names they are. Whoever asks at the same
// time for the same thing waits for one question, so that nobody can make us guess at many answers at once.
import type { AnswerCache } from './cache.ts';
import type { Forwarder, Upstream } from './forward.ts';
import { type ForeignQuestion, writeForeignQuery } from './upstream-message.ts';

export interface LookUpParts {
  forwarder: Forwarder;
  cache: AnswerCache;
  upstreams(): readonly Upstream[];
  /** Suffix → servers of its own (stub domains); of several the longest counts. */
  stubs: ReadonlyMap<string, readonly Upstream[]>;
}

export interface LookUp {
  /** Whether there is anybody to ask. */
  knows(name: string): boolean;
  /** An answer under any id, to be copied before it is changed; undefined when no server gave one. */
  ask(question: ForeignQuestion, over: 'udp' | 'tcp', limit: number): Promise<Buffer | undefined>;
}

export function createLookUp({ forwarder, cache, upstreams, stubs }: LookUpParts): LookUp {
  const underWay = new Map<string, Promise<Buffer | undefined>>();
  const bySuffix = [...stubs].toSorted(([a], [b]) => b.length - a.length);
  const serversFor = (name: string) => bySuffix.find(([suffix]) => name === suffix || name.endsWith(`.${suffix}`))?.[1] ?? upstreams();

  async function fetch(question: ForeignQuestion, over: 'udp' | 'tcp', key: string): Promise<Buffer | undefined> {
    const answer = await forwarder.ask(writeForeignQuery(question), over, serversFor(question.name));
    if (answer) cache.put(key, answer);
    return answer;
  }

  return {
    knows: (name) => serversFor(name).length > 0,
    ask(question, over, limit) {
      const key = keyOf(question);
      const known = cache.get(key);
      if (known && known.length <= limit) return Promise.resolve(known);
      const same = `${over} ${key} ${question.edns?.udpSize ?? ''}`;
      const waiting = underWay.get(same) ?? fetch(question, over, key).finally(() => underWay.delete(same));
      underWay.set(same, waiting);
      return waiting;
    },
  };
}

/** All that may change the answer. An asker without EDNS must not see EDNS in it (RFC 6891, section 7). */
const keyOf = ({ name, typeNumber, edns, flags, recursionDesired }: ForeignQuestion): string =>
  `${name} ${typeNumber} ${flags} ${recursionDesired} ${edns ? (edns.dnssecOk ? 'dnssec' : 'edns') : 'plain'}`;
