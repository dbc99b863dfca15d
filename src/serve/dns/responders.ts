// Who answers a query, in order: the first that has something to say. The order is the whole policy of the server.
//
//   refuse what we never serve ─▶ the cluster's zone ─▶ other servers (with a cache)
import type { NameDirectory, NameRecord } from '../../model/network-model.ts';
import { resolveName, startOfAuthority, type NameAnswer } from '../../model/names/resolve.ts';
import { createLookUp, type LookUp, type LookUpParts } from './look-up.ts';
import { classInternet, largestUdpSize, type Query, type Response, responseCodes, type ResponseCode, tcpLimit, writeResponse, zoneTransferTypes } from './message.ts';
import type { RememberedAnswers } from './remembered.ts';
import { type AddressAnswer, encodeName, isTruncated, readAddressAnswer } from './upstream-message.ts';

export interface Asked {
  query: Query;
  /** As it came. */
  packet: Buffer;
  over: 'udp' | 'tcp';
  limit: number;
}

export type Responder = (asked: Asked) => Buffer | undefined | Promise<Buffer | undefined>;

export interface ResponderParts extends LookUpParts {
  /** Undefined until the first full list is there (DNS-55). */
  directory(): NameDirectory | undefined;
  /** Told of the answers that need not be worked out again. */
  remembered?: RememberedAnswers;
}

export function createResponders(parts: ResponderParts): readonly Responder[] {
  const lookUp = createLookUp(parts);
  return [refuseOthers, answerFromZone(parts, lookUp), answerFromUpstream(lookUp)];
}

const empty = { authoritative: false, answers: [], authority: [], additional: [] } as const;

export const plainAnswer = ({ query, limit }: Asked, code: ResponseCode): Buffer => writeResponse(query, { ...empty, code }, limit);

/** Updates, notifications, transfers (DNS-54), other classes, EDNS versions to come. */
const refuseOthers: Responder = (asked) => {
  const { query } = asked;
  if (query.opcode !== 0) return plainAnswer(asked, responseCodes.notImplemented);
  if (query.edns && query.edns.version > 0) return plainAnswer(asked, responseCodes.badVersion);
  if (zoneTransferTypes.has(query.typeNumber) || query.classNumber !== classInternet) return plainAnswer(asked, responseCodes.refused);
  return undefined;
};

const codeOf: Readonly<Record<Exclude<NameAnswer['outcome'], 'notOurs'>, ResponseCode>> = {
  found: responseCodes.noError,
  noData: responseCodes.noError,
  noSuchName: responseCodes.nameError,
};

function answerFromZone({ directory, remembered }: ResponderParts, lookUp: LookUp): Responder {
  return (asked) => {
    const zone = directory();
    if (!zone) return plainAnswer(asked, responseCodes.serverFailure);
    const { outcome, records, additional } = resolveName(zone, asked.query.name, asked.query.type);
    if (outcome === 'notOurs') return undefined;
    const response: Response = {
      code: codeOf[outcome],
      authoritative: true,
      answers: records,
      authority: outcome === 'found' ? [] : [startOfAuthority(zone, asked.query.name)],
      additional,
    };
    const target = outcome === 'found' && asked.query.type !== 'CNAME' ? targetOutside(records, zone.domain) : undefined;
    if (target !== undefined && lookUp.knows(target)) return completeAlias(asked, response, target, lookUp);
    const answer = writeResponse(asked.query, response, asked.limit);
    if (asked.over === 'udp') remembered?.keep(asked.packet, answer);
    return answer;
  };
}

function targetOutside(records: readonly NameRecord[], domain: string): string | undefined {
  const last = records.at(-1);
  return last?.type === 'CNAME' && last.target !== domain && !last.target.endsWith(`.${domain}`) ? last.target : undefined;
}

/** An external name is answered with its target's addresses too, where they can be had (DNS-47). */
async function completeAlias({ query, limit }: Asked, response: Response, target: string, lookUp: LookUp): Promise<Buffer> {
  const { code, records } = await askAddresses(target, query.typeNumber, lookUp);
  return writeResponse(query, { ...response, code, answers: [...response.answers, ...records] }, limit);
}

/** What does not fit in a datagram is asked again over TCP: our own asker has not failed to get it whole yet. */
async function askAddresses(name: string, typeNumber: number, lookUp: LookUp): Promise<AddressAnswer> {
  const question = { name, typeNumber, question: encodeName(name, typeNumber), flags: 0, recursionDesired: true, edns: { udpSize: largestUdpSize, dnssecOk: false } };
  const first = await lookUp.ask(question, 'udp', tcpLimit);
  const answer = first && isTruncated(first) ? ((await lookUp.ask(question, 'tcp', tcpLimit)) ?? first) : first;
  return answer ? readAddressAnswer(answer, name) : { code: responseCodes.noError, records: [] };
}

function answerFromUpstream(lookUp: LookUp): Responder {
  return async (asked) => {
    const { query, over, limit } = asked;
    if (!lookUp.knows(query.name)) return plainAnswer(asked, responseCodes.nameError);
    const answer = await lookUp.ask({ ...query, ...(query.edns && { edns: { ...query.edns, udpSize: limit } }) }, over, limit);
    if (!answer) return plainAnswer(asked, responseCodes.serverFailure);
    if (answer.length > limit) return writeResponse(query, { ...empty, code: responseCodes.noError, truncated: true }, limit);
    return addressedTo(query, answer);
  };
}

/** A copy under the asker's own id and with its own spelling of the question. */
function addressedTo(query: Query, answer: Buffer): Buffer {
  const copy = Buffer.from(answer);
  copy.writeUInt16BE(query.id, 0);
  query.question.copy(copy, 12);
  return copy;
}
