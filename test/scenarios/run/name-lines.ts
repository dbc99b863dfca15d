// The language of `names:` lines.
//
//   PODS ? NAMES [TYPE] => ANSWER, ANSWER …
//   pod      whose resolver asks: its search list and ndots come from the resolv.conf the pod would have
//   name     as a program in the pod would write it; with a final dot it is not searched.
//            `@web`, `@x/web`, `@web-1` stand for the reverse name of that Service's or pod's address; `@10.1.2.3` too
//   type     A if none is given; AAAA, SRV, PTR, CNAME, TXT, SOA, NS, or v6, which is AAAA and `@`'s IPv6 address
//   answer   addresses as they are, or `@web`, `@web-1`, `@web-1/6` for the address somebody has; `0 100 80 target` for SRV,
//            `CNAME target`, a quoted text, other names as they are; `+` starts what rides along, e.g. `+ 10.96.0.10`;
//            NXDOMAIN and NODATA (after CNAMEs too)
// The order of records does not count. Several pods or names are separated by commas and mean one line each.
import { addressBytes, addressOf, familyOf, parseAddress } from '../../../src/base/net/address.ts';
import { podKind } from '../../../src/kube/kinds/pod.ts';
import { serviceKind } from '../../../src/kube/kinds/service.ts';
import type { RecordType } from '../../../src/model/names/resolve.ts';
import { podResolver, type ResolverSettings } from '../../../src/node/pods/surroundings/resolv-conf.ts';
import type { Stage } from './stage.ts';

export interface NameLine {
  readonly text: string;
  readonly pod: string;
  readonly name: string;
  readonly type: RecordType;
  readonly family: 4 | 6;
  /** Without names for addresses resolved. */
  readonly answers: readonly string[];
}

/** What the pod's resolver would send, one after the other, until something is found. */
export interface NameProbe {
  readonly candidates: readonly string[];
  readonly type: RecordType;
}

/** What a server said about one name. `answers` are in the words of lines. */
export interface Said {
  readonly outcome: 'found' | 'noData' | 'noSuchName' | 'failed';
  readonly answers: readonly string[];
}

const types: readonly string[] = ['A', 'AAAA', 'SRV', 'PTR', 'CNAME', 'TXT', 'SOA', 'NS', 'v6'];

const listOf = (text: string): string[] => text.split(',').map((part) => part.trim());

export function parseNameLine(text: string): NameLine[] {
  const [, pods, question, answers] = /^(.+?)\s+\?\s+(.+?)\s+=>\s+(.+)$/.exec(text.trim()) ?? [];
  if (!pods || !question || !answers) throw new Error(`not a name line: ${text}`);
  const last = question.split(/\s+/).at(-1) ?? '';
  const flag = types.includes(last) ? last : 'A';
  const names = listOf(types.includes(last) ? question.slice(0, -last.length) : question);
  const family = flag === 'AAAA' || flag === 'v6' ? 6 : 4;
  return listOf(pods).flatMap((pod) => names.map((name) => ({ text: `${pod} ? ${name} ${flag} => ${answers}`, pod, name, type: typeOf(name, flag), family, answers: readAnswers(answers) })));
}

const typeOf = (name: string, flag: string): RecordType => {
  if (name.startsWith('@')) return 'PTR';
  return (flag === 'v6' ? 'AAAA' : flag) as RecordType;
};

/** `a, b + c` → a, b, + c */
const readAnswers = (text: string): string[] => {
  const [said = '', along] = text.split(/\s\+\s/);
  return [...listOf(said), ...(along ? listOf(along).map((each) => `+ ${each}`) : [])];
};

export function probeName({ pod: asker, name, type, family }: NameLine, stage: Stage): NameProbe {
  const pod = stage.snapshot.get(podKind, ...namespaced(asker));
  if (!pod) throw new Error(`there is no pod ${asker} to ask`);
  if (name.startsWith('@')) return { candidates: [reverseName(addressFor(name, family, stage))], type };
  const source = { clusterDns: ['10.96.0.10'], clusterDomain: stage.scope.clusterDomain, node: { nameservers: ['192.0.2.53'], searches: [], options: [] } };
  return { candidates: candidates(name, podResolver(pod, source).settings), type };
}

/** RES-24: fewer dots than `ndots` means searched first; a final dot means not searched at all. */
function candidates(name: string, { searches, options }: ResolverSettings): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const ndots = Number(options.find((option) => option.startsWith('ndots:'))?.slice(6) ?? 1);
  const searched = searches.map((domain) => `${name}.${domain}`);
  return name.split('.').length - 1 < ndots ? [...searched, name] : [name, ...searched];
}

const namespaced = (text: string): [name: string, namespace: string] => {
  const [first = '', second] = text.split('/');
  return second === undefined ? [first, 'default'] : [second, first];
};

/** `@web`, `@x/web-1`, `@10.1.2.3` */
function addressFor(text: string, family: 4 | 6, { snapshot }: Stage): string {
  const name = text.slice(1);
  if (parseAddress(name)) return name;
  const addresses = snapshot.get(podKind, ...namespaced(name))?.status?.podIPs?.map(({ ip }) => ip) ?? snapshot.get(serviceKind, ...namespaced(name))?.spec.clusterIPs;
  const address = addresses?.find((each) => parseAddress(each) && familyOf(each) === family);
  if (!address) throw new Error(`${text} has no IPv${family} address`);
  return address;
}

function reverseName(text: string): string {
  const address = addressOf(text);
  const bytes = [...addressBytes(address)].toReversed();
  if (address.family === 4) return `${bytes.join('.')}.in-addr.arpa`;
  return `${bytes.flatMap((byte) => [byte & 15, byte >> 4].map((nibble) => nibble.toString(16))).join('.')}.ip6.arpa`;
}

/** The line's answers with addresses put in. */
export const expectedAnswers = ({ answers, family }: NameLine, stage: Stage): readonly string[] =>
  answers.map((answer) => answer.replace(/@\S+/, (name) => addressFor(name.replace(/\/6$/, ''), name.endsWith('/6') ? 6 : family, stage)));

/** Asks as glibc's resolver does: goes on after NODATA, but remembers it. */
export async function askAll({ candidates, type }: NameProbe, ask: (name: string, type: RecordType) => Promise<Said> | Said): Promise<readonly string[]> {
  let kept: Said | undefined;
  for (const name of candidates) {
    const said = await ask(name, type);
    if (said.outcome === 'found' || said.outcome === 'failed') return printSaid(said);
    if (!kept || (kept.outcome === 'noSuchName' && said.outcome === 'noData')) kept = said;
  }
  return printSaid(kept ?? { outcome: 'failed', answers: [] });
}

const inWords = { found: [], noData: ['NODATA'], noSuchName: ['NXDOMAIN'], failed: ['SERVFAIL'] } as const;

const printSaid = ({ outcome, answers }: Said): readonly string[] => [...answers, ...inWords[outcome]];
