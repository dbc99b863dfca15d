// One packet in, one answer out: reads the query, asks the responders in order. Never throws (DNS-66).
import { logFor } from '../../base/run/log.ts';
import { type Query, readQuery, responseCodes, tcpLimit, udpLimit, writeHeaderOnly } from './message.ts';
import { FormatError } from './names.ts';
import { type Asked, plainAnswer, type Responder } from './responders.ts';

const log = logFor('dns');

type Answer = Buffer | undefined | Promise<Buffer | undefined>;

/** Undefined: nobody waits for an answer. At hand for most questions; a promise where another server must be asked. */
export function answerPacket(responders: readonly Responder[], packet: Buffer, over: 'udp' | 'tcp'): Answer {
  let query: Query | undefined;
  try {
    query = readQuery(packet);
  } catch (error) {
    if (!(error instanceof FormatError)) log.error({ err: error }, 'a query broke the reader');
    return writeHeaderOnly(packet, responseCodes.formatError);
  }
  if (!query) return undefined;
  const asked = { query, packet, over, limit: over === 'udp' ? udpLimit(query) : tcpLimit };
  try {
    const answer = askInOrder(responders, asked);
    return answer instanceof Promise ? answer.catch((error: unknown) => failure(asked, error)) : answer;
  } catch (error) {
    // A bug in one answer is that asker's SERVFAIL, nobody else's.
    return failure(asked, error);
  }
}

function failure(asked: Asked, error: unknown): Buffer {
  log.error({ err: error, name: asked.query.name }, 'a query could not be answered');
  return plainAnswer(asked, responseCodes.serverFailure);
}

function askInOrder([first, ...rest]: readonly Responder[], asked: Asked): Answer {
  if (!first) return plainAnswer(asked, responseCodes.refused);
  const answer = first(asked);
  if (answer instanceof Promise) return answer.then((bytes) => bytes ?? askInOrder(rest, asked));
  return answer ?? askInOrder(rest, asked);
}
