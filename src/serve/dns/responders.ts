// Who answers a query, in order: the first that has something to say. The order is the whole policy of the server.
//
//   refuse what we never serve ─▶ the cluster's zone ─▶ other servers (with a cache)
import type { NameDirectory, NameRecord } from '../../model/network-model.ts';
import { resolveName, startOfAuthority, type NameAnswer } from '../../model/names/resolve.ts';
import type { AnswerCache } from './cache.ts';
import type { Forwarder, Upstream } from './forward.ts';
import { type Query, type Response, responseCodes, type ResponseCode, writeResponse, zoneTransferTypes } from './message.ts';
import { readAddressRecords } from './upstream-message.ts';

export interface Asked {
  query: Query;
  /** As it came, for other servers. */
  packet: Buffer;
  over: 'udp' | 'tcp';
  limit: number;
}

export type Responder = (asked: Asked) => Buffer | undefined | Promise<Buffer | undefined>;

export interface ResponderParts {
  /** Undefined until the first full list is there (DNS-55). */
  directory(): NameDirectory | undefined;
  forwarder: Forwarder;
  cache: AnswerCache;
  upstreams(): readonly Upstream[];
  /** Suffix → servers of its own (stub domains). */
  stubs: ReadonlyMap<string, readonly Upstream[]>;
}

export const createResponders = (parts: ResponderParts): readonly Responder[] => [refuseOthers, answerFromZone(parts), answerFromUpstream(parts)];

export const plainAnswer = ({ query, limit }: Pick<Asked, 'query' | 'limit'>, code: ResponseCode): Buffer =>
  writeResponse(query, { code, authoritative: false, answers: [], authority: [], additional: [] }, limit);

/** Updates, notifications, transfers (DNS-54), EDNS versions to come. */
const refuseOthers: Responder = (asked) => {
  const { query } = asked;
  if (query.opcode !== 0) return plainAnswer(asked, responseCodes.notImplemented);
  if (zoneTransferTypes.has(query.typeNumber)) return plainAnswer(asked, responseCodes.refused);
  return undefined;
};

const codeOf: Readonly<Record<Exclude<NameAnswer['outcome'], 'notOurs'>, ResponseCode>> = {
  found: responseCodes.noError,
  noData: responseCodes.noError,
  noSuchName: responseCodes.nameError,
};

function answerFromZone({ directory, forwarder, upstreams }: ResponderParts): Responder {
  return (asked) => {
    const zone = directory();
    if (!zone) return plainAnswer(asked, responseCodes.serverFailure);
    const { outcome, records, additional } = resolveName(zone, asked.query.name, asked.query.type);
    if (outcome === 'notOurs') return undefined;
    const response: Response = {
      code: codeOf[outcome],
      authoritative: true,
      answers: records,
      authority: outcome === 'found' ? [] : [startOfAuthority(zone)],
      additional,
    };
    const last = records.at(-1);
    const leaves = last?.type === 'CNAME' && asked.query.type !== 'CNAME' && !last.target.endsWith(`.${zone.domain}`);
    return leaves ? completeAlias(asked, response, last.target, (packet) => forwarder.ask(packet, 'udp', upstreams())) : writeResponse(asked.query, response, asked.limit);
  };
}

/** An external name is answered with its target's addresses too, where they can be had (DNS-47). */
async function completeAlias({ query, limit }: Asked, response: Response, target: string, ask: (packet: Buffer) => Promise<Buffer | undefined>): Promise<Buffer> {
  const answer = await ask(writeQuery(target, query.typeNumber));
  const more: readonly NameRecord[] = answer ? readAddressRecords(answer) : [];
  return writeResponse(query, { ...response, answers: [...response.answers, ...more] }, limit);
}

function writeQuery(name: string, type: number): Buffer {
  const labels = name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]));
  return Buffer.concat([Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), ...labels, Buffer.from([0, type >> 8, type & 0xff, 0, 1])]);
}

function answerFromUpstream({ forwarder, cache, upstreams, stubs }: ResponderParts): Responder {
  const serversFor = (name: string) => [...stubs].find(([suffix]) => name === suffix || name.endsWith(`.${suffix}`))?.[1] ?? upstreams();
  return async (asked) => {
    const { query, packet, over } = asked;
    const servers = serversFor(query.name);
    if (servers.length === 0) return plainAnswer(asked, responseCodes.nameError);
    const key = `${query.name} ${query.typeNumber} ${query.edns?.dnssecOk ?? false}`;
    const known = cache.get(key);
    if (known && known.length <= asked.limit) {
      known.writeUInt16BE(query.id, 0);
      query.question.copy(known, 12);
      return known;
    }
    const answer = await forwarder.ask(packet, over, servers);
    if (!answer) return plainAnswer(asked, responseCodes.serverFailure);
    cache.put(key, answer);
    return answer;
  };
}
