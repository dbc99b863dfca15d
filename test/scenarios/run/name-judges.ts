// Who is asked what a name means to a pod: the model, and the DNS server with every byte of its wire format,
// which another implementation writes and reads.
import { decode, encode, type Answer, type DecodedPacket, type Packet, RECURSION_DESIRED } from 'dns-packet';
import { createManualClock } from '../../../src/base/run/clock.ts';
import { printAddress, addressOf, familyOf } from '../../../src/base/net/address.ts';
import { resolveName, type RecordType } from '../../../src/model/names/resolve.ts';
import type { NameDirectory, NameRecord } from '../../../src/model/network-model.ts';
import { answerPacket } from '../../../src/serve/dns/answer.ts';
import { createAnswerCache } from '../../../src/serve/dns/cache.ts';
import type { Forwarder } from '../../../src/serve/dns/forward.ts';
import { createResponders, type Responder } from '../../../src/serve/dns/responders.ts';
import { askAll, type NameProbe, type Said } from './name-lines.ts';
import type { Stage } from './stage.ts';

/** Names that servers outside the cluster know: `www.example.com` → addresses. */
export type Elsewhere = Readonly<Record<string, readonly string[]>>;

export interface NameJudge {
  readonly name: string;
  ask(stage: Stage, probe: NameProbe, elsewhere: Elsewhere): Promise<readonly string[]>;
}

const directoryOf = ({ models }: Stage): NameDirectory => {
  const [model] = models.values();
  if (!model) throw new Error('a world without nodes has no names');
  return model.names;
};

const addressType = (address: string): 'A' | 'AAAA' => (familyOf(address) === 4 ? 'A' : 'AAAA');

/** What the servers outside say; undefined for a name they do not know. */
const addressesElsewhere = (elsewhere: Elsewhere, name: string, type: string): string[] | undefined =>
  Object.hasOwn(elsewhere, name) ? elsewhere[name]?.filter((address) => addressType(address) === type) : undefined;

function printRecord(record: NameRecord): string {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.address;
    case 'SRV':
      return `${record.priority} ${record.weight} ${record.port} ${record.target}`;
    case 'TXT':
      return JSON.stringify(record.text);
    case 'SOA':
      return `${record.primary} ${record.mailbox} ${record.minimumSeconds}`;
    case 'CNAME':
      return `CNAME ${record.target}`;
    case 'PTR':
    case 'NS':
      return record.target;
  }
}

function fromModel(directory: NameDirectory, elsewhere: Elsewhere, name: string, type: RecordType): Said {
  const { outcome, records, additional } = resolveName(directory, name, type);
  const answers = [...records.map(printRecord), ...additional.map((record) => `+ ${printRecord(record)}`)];
  if (outcome === 'notOurs') return outside(addressesElsewhere(elsewhere, name, type));
  const last = records.at(-1);
  if (outcome !== 'found' || type === 'CNAME' || last?.type !== 'CNAME' || last.target.endsWith(`.${directory.domain}`)) return { outcome, answers };
  const more = Object.keys(elsewhere).length > 0 ? outside(addressesElsewhere(elsewhere, last.target, type)) : { outcome, answers: [] };
  // Behind our CNAME the other servers' start of authority is not repeated: no data there looks like the alias alone.
  return { outcome: more.outcome === 'noData' ? 'found' : more.outcome, answers: [...answers, ...more.answers] };
}

const outside = (addresses: string[] | undefined): Said => ({ outcome: !addresses ? 'noSuchName' : addresses.length > 0 ? 'found' : 'noData', answers: addresses ?? [] });

const modelJudge: NameJudge = {
  name: 'model',
  ask: (stage, probe, elsewhere) => askAll(probe, (name, type) => fromModel(directoryOf(stage), elsewhere, name, type)),
};

/** The package's types forget the code's name. */
type Decoded = DecodedPacket & { rcode: string };

const startOfAuthority = (name: string): Answer => ({ type: 'SOA', name, ttl: 60, data: { mname: 'ns.elsewhere', rname: 'mail.elsewhere', serial: 1, refresh: 1, retry: 1, expire: 1, minimum: 60 } });

/** The servers outside, as one function. */
const forwarderTo = (elsewhere: Elsewhere): Forwarder => ({
  async ask(packet) {
    const { id = 0, questions = [] } = decode(packet);
    const [question] = questions;
    const addresses = addressesElsewhere(elsewhere, question?.name.toLowerCase() ?? '', question?.type ?? '');
    const answers = (addresses ?? []).map((data): Answer => ({ type: addressType(data), name: question?.name ?? '', ttl: 60, data }));
    const answer: Packet = { type: 'response', id, flags: RECURSION_DESIRED | (addresses ? 0 : 3), questions, answers, authorities: answers.length > 0 ? [] : [startOfAuthority('example.com')] };
    return encode(answer);
  },
  close() {},
});

function printAnswer(answer: Answer): string {
  const { type, data } = answer as { type: string; data: unknown };
  if (type === 'A' || type === 'AAAA') return printAddress(addressOf(String(data)));
  if (type === 'CNAME') return `CNAME ${String(data)}`;
  if (type === 'TXT') return JSON.stringify([data].flat().map(String).join(''));
  if (type === 'SRV') {
    const { priority, weight, port, target } = data as { priority: number; weight: number; port: number; target: string };
    return `${priority} ${weight} ${port} ${target}`;
  }
  if (type === 'SOA') {
    const { mname, rname, minimum } = data as { mname: string; rname: string; minimum: number };
    return `${mname} ${rname} ${minimum}`;
  }
  return String(data);
}

/** Letter case is the question's affair (DNS-04): asked in capitals, so that whoever compares bytes is found out. */
async function fromServer(responders: readonly Responder[], name: string, type: RecordType): Promise<Said> {
  const query = encode({ type: 'query', id: 4711, flags: RECURSION_DESIRED, questions: [{ name: name.toUpperCase(), type, class: 'IN' }] });
  const bytes = await answerPacket(responders, query, 'tcp');
  if (!bytes) throw new Error('the server gave no answer');
  const answer = decode(bytes) as Decoded;
  if (answer.id !== 4711 || answer.questions?.[0]?.name !== name.toUpperCase()) throw new Error(`the answer is to another question: ${JSON.stringify(answer.questions)}`);
  const answers = [...(answer.answers ?? []).map(printAnswer), ...(answer.additionals ?? []).map((each) => `+ ${printAnswer(each)}`)].map(lowerNames);
  return { outcome: outcomeOf(answer), answers };
}

const lowerNames = (text: string): string => text.replace(/[A-Z-]+\.\S+/g, (name) => name.toLowerCase());

/** No data is an answer without records of the type, and with a start of authority (or, behind a CNAME of ours, none). */
function outcomeOf({ rcode, answers = [], authorities = [] }: Decoded): Said['outcome'] {
  if (rcode === 'NXDOMAIN') return 'noSuchName';
  if (rcode !== 'NOERROR') return 'failed';
  return authorities.length > 0 || answers.length === 0 ? 'noData' : 'found';
}

const serverJudge: NameJudge = {
  name: 'server',
  ask(stage, probe, elsewhere) {
    const upstreams = Object.keys(elsewhere).length > 0 ? [{ address: '192.0.2.53', port: 53 }] : [];
    const responders = createResponders({
      directory: () => directoryOf(stage),
      forwarder: forwarderTo(elsewhere),
      cache: createAnswerCache(createManualClock()),
      upstreams: () => upstreams,
      stubs: new Map(),
    });
    return askAll(probe, (name, type) => fromServer(responders, name, type));
  },
};

export const nameJudges: readonly NameJudge[] = [modelJudge, serverJudge];
