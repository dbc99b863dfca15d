// Every word of the ruleset language, said to three listeners: nft must take the printed form, and the evaluator must
// foretell what the kernel then does to a real packet. A word without a row here fails the last test.
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { runNft } from '../../src/node/linux/run-nft.ts';
import { evaluate, type Memory, type RulesetOutcome } from '../../src/node/nft/evaluate.ts';
import { printReplacement } from '../../src/node/nft/print-changes.ts';
import { type Action, type Chain, type Element, type Field, type Match, type NftSet, printKey, type Rule, type Ruleset } from '../../src/node/nft/ruleset.ts';
import { addresses, createLab, type Lab, sentinelRules } from './packet-lab.ts';

const { client, node, nodeOut, server, other } = addresses;
const machine = {
  isLocal: (address: string) => [...Object.values(node), ...Object.values(nodeOut)].some((own) => own === address),
  masqueradeAs: ({ family }: { family: 4 | 6 }) => nodeOut[family],
};

interface Case {
  readonly about: string;
  /** Words that this case is about. */
  readonly words: readonly string[];
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
  readonly type?: 'nat';
  readonly rules: readonly Rule[];
  readonly chains?: readonly Chain[];
  readonly sets?: readonly NftSet[];
  /** Further base chains. */
  readonly more?: readonly Chain[];
  /** Default: one datagram to the server's port 8080 in v4. */
  readonly to?: { readonly address: string; readonly port: number };
  readonly from?: 'client' | 'node';
  readonly times?: number;
  /** In order; several possible outcomes of one packet are joined by ' | '. */
  readonly expected: readonly string[];
}

const is = (match: Match, then: Action = { do: 'drop' }): Rule => ({ when: [match], then });
const does = (then: Action): Rule => ({ when: [], then });
const drop = does({ do: 'drop' });
const field = (name: Field, value: string | number, op: '==' | '!=' = '=='): Match => ({ match: 'field', field: name, op, value });

const setOf = (shape: Omit<NftSet, 'elements'>, ...elements: Element[]): NftSet => ({
  ...shape,
  elements: new Map([['', new Map(elements.map((element) => [printKey(element.key), element]))]]),
});
const delivered = `${server[4]}:8080 from ${client[4]}`;
const toOther = `${other[4]}:8081 from ${client[4]}`;

const front: readonly Field[] = ['ip daddr', 'meta l4proto', 'th dport'];
const frontKey = ['ipv4_addr', 'inet_proto', 'inet_service'] as const;
const vip = { address: '10.96.0.10', port: 80 };
const vipKey = ['10.96.0.10', 'udp', 80];
const endpoints = setOf(
  { name: 'endpoints', type: 'map', key: [...frontKey, 'number'], data: ['ipv4_addr', 'inet_service'] },
  { key: [...vipKey, 0], data: [server[4], 8080] },
  { key: [...vipKey, 1], data: [other[4], 8081] },
);
const clients = setOf({ name: 'clients', type: 'map', key: ['ipv4_addr', ...frontKey], data: ['number'], dynamic: { size: 16 } });
const client4: readonly Field[] = ['ip saddr', ...front];
const prerouting: Pick<Case, 'hook' | 'type' | 'to'> = { hook: 'prerouting', type: 'nat', to: vip };
/** A nat chain is not asked before something in the namespace wants connections tracked; reject alone does not. */
const tracking: Chain = { name: 'tracking', hook: { type: 'filter', hook: 'forward', priority: 0, policy: 'accept' }, rules: [is({ match: 'ct status dnat', is: true }, { do: 'accept' })] };
const eitherEndpoint = `${delivered} | ${toOther}`;

const cases: readonly Case[] = [
  { about: 'accept ends one base chain and the next is asked', words: ['accept', 'drop'], hook: 'forward', rules: [does({ do: 'accept' }), drop],
    more: [{ name: 'later', hook: { type: 'filter', hook: 'forward', priority: 5, policy: 'accept' }, rules: [...sentinelRules, drop] }], expected: ['dropped'] },
  { about: 'drop drops', words: ['drop'], hook: 'forward', rules: [drop], expected: ['dropped'] },
  { about: 'drop in the input hook does not concern what is forwarded', words: ['drop'], hook: 'input', rules: [drop], expected: [delivered] },
  { about: 'input meets what is for the node', words: ['drop'], hook: 'input', rules: [drop], to: { address: node[4], port: 8080 }, expected: ['dropped'] },
  { about: 'return from a jump goes on behind it', words: ['jump', 'return'], hook: 'forward', rules: [does({ do: 'jump', chain: 'aside' }), drop],
    chains: [{ name: 'aside', rules: [does({ do: 'return' }), does({ do: 'accept' })] }], expected: ['dropped'] },
  { about: 'return from a goto does not come back', words: ['goto'], hook: 'forward', rules: [does({ do: 'goto', chain: 'aside' }), drop],
    chains: [{ name: 'aside', rules: [does({ do: 'return' })] }], expected: [delivered] },
  { about: 'port unreachable refuses', words: ['reject'], hook: 'forward', rules: [does({ do: 'reject', with: 'port-unreachable' })], expected: ['ECONNREFUSED'] },
  { about: 'port unreachable refuses in prerouting nat too', words: ['reject'], ...prerouting, rules: [does({ do: 'reject', with: 'port-unreachable' })], more: [tracking], expected: ['ECONNREFUSED'] },
  { about: 'port unreachable in v6', words: ['reject'], hook: 'forward', rules: [does({ do: 'reject', with: 'port-unreachable' })], to: { address: server[6], port: 8080 }, expected: ['ECONNREFUSED'] },
  { about: 'administratively prohibited', words: ['reject'], hook: 'forward', rules: [does({ do: 'reject', with: 'admin-prohibited' })], expected: ['EHOSTUNREACH'] },
  { about: 'a counter lets go on', words: ['counter'], hook: 'forward', rules: [does({ do: 'counter' }), drop], expected: ['dropped'] },
  { about: 'a log lets go on', words: ['log'], hook: 'forward', rules: [does({ do: 'log', prefix: 'deny ingress default/"web" NetworkPolicy', group: 5 }), drop], expected: ['dropped'] },
  { about: 'family tells v4 from v6', words: ['family'], hook: 'forward', rules: [is({ match: 'family', family: 6 })], expected: [delivered] },
  { about: 'family 6', words: ['family'], hook: 'forward', rules: [is({ match: 'family', family: 6 })], to: { address: server[6], port: 8080 }, expected: ['dropped'] },
  { about: 'the first packet is new', words: ['ct state'], hook: 'forward', rules: [is({ match: 'ct state', states: ['established', 'related'] })], expected: [delivered] },
  { about: 'new', words: ['ct state'], hook: 'forward', rules: [is({ match: 'ct state', states: ['new'] })], expected: ['dropped'] },
  { about: 'an address equals', words: ['field'], hook: 'forward', rules: [is(field('ip saddr', client[4]))], expected: ['dropped'] },
  { about: 'an address does not equal', words: ['field'], hook: 'forward', rules: [is(field('ip daddr', server[4], '!='))], expected: [delivered] },
  { about: 'unequal addresses of v4 are nothing to v6', words: ['field'], hook: 'forward', rules: [is(field('ip daddr', '10.9.9.9', '!='))], to: { address: server[6], port: 8080 }, expected: [`${server[6]}:8080 from ${client[6]}`] },
  { about: 'a v6 prefix holds', words: ['field'], hook: 'forward', rules: [is(field('ip6 saddr', 'fd01::/64'))], to: { address: server[6], port: 8080 }, expected: ['dropped'] },
  { about: 'a port range holds', words: ['field'], hook: 'forward', rules: [{ when: [field('meta l4proto', 'udp'), field('th dport', '8000-8080')], then: { do: 'drop' } }], expected: ['dropped'] },
  { about: 'a port range ends', words: ['field'], hook: 'forward', rules: [{ when: [field('meta l4proto', 'udp'), field('th dport', '8000-8079')], then: { do: 'drop' } }], expected: [delivered] },
  { about: 'another protocol', words: ['field'], hook: 'forward', rules: [is(field('meta l4proto', 'tcp'))], expected: [delivered] },
  { about: 'the link it came by', words: ['field'], hook: 'forward', rules: [is(field('iifname', 'c0'))], expected: ['dropped'] },
  { about: 'in a set of blocks and ranges', words: ['in set'], hook: 'forward', rules: [is({ match: 'in set', fields: ['ip saddr'], set: 's' })],
    sets: [setOf({ name: 's', type: 'set', key: ['ipv4_addr'], interval: true }, { key: ['10.1.0.0/25'] }, { key: ['10.3.0.1-10.3.0.9'] })], expected: ['dropped'] },
  { about: 'not in a set', words: ['in set'], hook: 'forward', rules: [is({ match: 'in set', fields: ['ip saddr'], set: 's', negate: true })],
    sets: [setOf({ name: 's', type: 'set', key: ['ipv4_addr'], interval: true }, { key: ['10.1.0.0/25'] })], expected: [delivered] },
  { about: 'not in a v4 set is nothing to v6', words: ['in set'], hook: 'forward', rules: [is({ match: 'in set', fields: ['ip saddr'], set: 's', negate: true })],
    sets: [setOf({ name: 's', type: 'set', key: ['ipv4_addr'] })], to: { address: server[6], port: 8080 }, expected: [`${server[6]}:8080 from ${client[6]}`] },
  { about: 'a concatenation with a block in it', words: ['in set'], hook: 'forward', rules: [is({ match: 'in set', fields: [...front, 'ip saddr'], set: 's' })],
    sets: [setOf({ name: 's', type: 'set', key: [...frontKey, 'ipv4_addr'], interval: true }, { key: [server[4], 'udp', 8080, '10.1.0.0/24'] })], expected: ['dropped'] },
  { about: 'link and address, as against spoofing', words: ['in set'], hook: 'prerouting', rules: [is({ match: 'in set', fields: ['iifname', 'ip saddr'], set: 's', negate: true })],
    sets: [setOf({ name: 's', type: 'set', key: ['ifname', 'ipv4_addr'] }, { key: ['c0', client[4]] })], expected: [delivered] },
  { about: 'mark bits', words: ['mark', 'set mark'], hook: 'forward', rules: [does({ do: 'set mark', mask: 0, value: 0xf000_0001 }), does({ do: 'set mark', mask: 0xf000_0000, value: 2 }), is({ match: 'mark', mask: 0xf000_000f, value: 0xf000_0002 })], expected: ['dropped'] },
  { about: 'other mark bits', words: ['mark', 'set mark'], hook: 'forward', rules: [does({ do: 'set mark', mask: 0xffff_ffff, value: 4 }), is({ match: 'mark', mask: 4, value: 4, negate: true })], expected: [delivered] },
  { about: 'a destination of the node', words: ['local destination'], hook: 'prerouting', rules: [is({ match: 'local destination' })], to: { address: nodeOut[4], port: 8080 }, expected: ['dropped'] },
  { about: 'no destination of the node', words: ['local destination'], hook: 'prerouting', rules: [is({ match: 'local destination' })], expected: [delivered] },
  { about: 'a source elsewhere', words: ['local source'], hook: 'postrouting', rules: [is({ match: 'local source', is: false })], expected: ['dropped'] },
  { about: 'a process of the node', words: ['local source'], hook: 'postrouting', from: 'node', rules: [is({ match: 'local source', is: false })], expected: [`${server[4]}:8080 from ${nodeOut[4]}`] },
  { about: 'within a rate', words: ['limit'], hook: 'forward', rules: [is({ match: 'limit', perSecond: 100 }, { do: 'accept' }), drop], expected: [delivered] },
  { about: 'a verdict map', words: ['vmap'], hook: 'forward', rules: [does({ do: 'vmap', fields: ['ip daddr'], map: 'm' }), drop],
    chains: [{ name: 'service/default/web/http/tcp', rules: [does({ do: 'accept' })] }],
    sets: [setOf({ name: 'm', type: 'vmap', key: ['ipv4_addr'] }, { key: [server[4]], verdict: { do: 'goto', chain: 'service/default/web/http/tcp' }, origin: { kind: 'Service', namespace: 'default', name: 'web' } })], expected: [delivered] },
  { about: 'a verdict map without an entry', words: ['vmap'], hook: 'forward', rules: [does({ do: 'vmap', fields: ['ip daddr'], map: 'm' })], sets: [setOf({ name: 'm', type: 'vmap', key: ['ipv4_addr'] })], expected: [delivered] },
  { about: 'a mark from a map leads on', words: ['set mark from map'], hook: 'forward', rules: [does({ do: 'set mark from map', fields: front, map: 'm', verdict: { do: 'goto', chain: 'x' } })],
    chains: [{ name: 'x', rules: [is({ match: 'mark', mask: 0xffff_ffff, value: 0xffff_0000 })] }],
    sets: [setOf({ name: 'm', type: 'map', key: frontKey, data: ['number'] }, { key: [server[4], 'udp', 8080], data: [0xffff_0000] })], expected: ['dropped'] },
  { about: 'no mark in the map: the rule is as if not there', words: ['set mark from map'], hook: 'forward', rules: [does({ do: 'set mark from map', fields: front, map: 'm', verdict: { do: 'drop' } })],
    sets: [setOf({ name: 'm', type: 'map', key: frontKey, data: ['number'] })], expected: [delivered] },
  { about: 'DNAT to an address', words: ['dnat'], ...prerouting, rules: [{ when: [field('meta l4proto', 'udp')], then: { do: 'dnat', family: 4, address: server[4], port: 8080 } }], expected: [delivered] },
  { about: 'DNAT in v6', words: ['dnat'], ...prerouting, to: { address: 'fd96::10', port: 80 }, rules: [{ when: [field('meta l4proto', 'udp')], then: { do: 'dnat', family: 6, address: other[6], port: 8081 } }], expected: [`${other[6]}:8081 from ${client[6]}`] },
  { about: 'DNAT of a process of the node', words: ['dnat'], hook: 'output', type: 'nat', from: 'node', to: vip, rules: [{ when: [field('meta l4proto', 'udp')], then: { do: 'dnat', family: 4, address: server[4], port: 8080 } }], expected: [`${server[4]}:8080 from ${nodeOut[4]}`] },
  { about: 'DNAT by mark', words: ['dnat to map'], ...prerouting, rules: [does({ do: 'set mark', mask: 0, value: 1 }), does({ do: 'dnat to map', family: 4, fields: [...front, 'meta mark'], map: 'endpoints' })], sets: [endpoints], expected: [toOther] },
  { about: 'DNAT by a mark that the map does not have falls through', words: ['dnat to map'], ...prerouting, rules: [does({ do: 'set mark', mask: 0, value: 7 }), does({ do: 'dnat to map', family: 4, fields: [...front, 'meta mark'], map: 'endpoints' }), drop], sets: [endpoints], expected: ['dropped'] },
  { about: 'a random mark', words: ['set mark random', 'dnat to map'], ...prerouting, rules: [does({ do: 'set mark random', mod: 2 }), does({ do: 'dnat to map', family: 4, fields: [...front, 'meta mark'], map: 'endpoints' })], sets: [endpoints], times: 40, expected: [eitherEndpoint] },
  { about: 'a remembered client stays', words: ['update map with mark'], ...prerouting,
    rules: [does({ do: 'set mark from map', fields: client4, map: 'clients', verdict: { do: 'goto', chain: 'known' } }), does({ do: 'set mark random', mod: 2 }), does({ do: 'update map with mark', fields: client4, map: 'clients', timeoutSeconds: 60 }), does({ do: 'goto', chain: 'known' })],
    chains: [{ name: 'known', rules: [does({ do: 'dnat to map', family: 4, fields: [...front, 'meta mark'], map: 'endpoints' })] }],
    sets: [endpoints, clients], times: 8, expected: [eitherEndpoint] },
  { about: 'an update keeps the old value', words: ['update map with mark'], ...prerouting,
    rules: [does({ do: 'set mark from map', fields: client4, map: 'clients', verdict: { do: 'jump', chain: 'change' } }), does({ do: 'update map with mark', fields: client4, map: 'clients', timeoutSeconds: 60 }), does({ do: 'set mark from map', fields: client4, map: 'clients' }), does({ do: 'dnat to map', family: 4, fields: [...front, 'meta mark'], map: 'endpoints' })],
    chains: [{ name: 'change', rules: [does({ do: 'set mark', mask: 0, value: 1 })] }], sets: [endpoints, clients], times: 3, expected: [delivered, delivered, delivered] },
  { about: 'a client may be forgotten', words: ['forget in map'], ...prerouting,
    rules: [does({ do: 'set mark from map', fields: client4, map: 'clients', verdict: { do: 'goto', chain: 'known' } }), does({ do: 'set mark', mask: 0, value: 1 }), does({ do: 'update map with mark', fields: client4, map: 'clients', timeoutSeconds: 60 }), does({ do: 'dnat to map', family: 4, fields: [...front, 'meta mark'], map: 'endpoints' })],
    chains: [{ name: 'known', rules: [does({ do: 'forget in map', fields: client4, map: 'clients' }), does({ do: 'set mark', mask: 0, value: 0 }), does({ do: 'dnat to map', family: 4, fields: [...front, 'meta mark'], map: 'endpoints' })] }],
    sets: [endpoints, clients], times: 4, expected: [toOther, delivered, toOther, delivered] },
  { about: 'a client of v6 is remembered by its address', words: ['update map with mark'], ...prerouting, to: { address: 'fd96::10', port: 80 },
    rules: [does({ do: 'set mark from map', fields: ['ip6 saddr'], map: 'clients6', verdict: { do: 'goto', chain: 'known' } }), does({ do: 'set mark random', mod: 2 }), does({ do: 'update map with mark', fields: ['ip6 saddr'], map: 'clients6', timeoutSeconds: 60 }), does({ do: 'goto', chain: 'known' })],
    chains: [{ name: 'known', rules: [does({ do: 'dnat to map', family: 6, fields: ['ip6 daddr', 'meta l4proto', 'th dport', 'meta mark'], map: 'endpoints6' })] }],
    sets: [
      setOf({ name: 'clients6', type: 'map', key: ['ipv6_addr'], data: ['number'], dynamic: { size: 16 } }),
      setOf({ name: 'endpoints6', type: 'map', key: ['ipv6_addr', 'inet_proto', 'inet_service', 'number'], data: ['ipv6_addr', 'inet_service'] },
        { key: ['fd96::10', 'udp', 80, 0], data: [server[6], 8080] }, { key: ['fd96::10', 'udp', 80, 1], data: [other[6], 8081] }),
    ], times: 8, expected: [`${server[6]}:8080 from ${client[6]} | ${other[6]}:8081 from ${client[6]}`] },
  { about: 'masquerade shows the node', words: ['masquerade'], hook: 'postrouting', type: 'nat', rules: [does({ do: 'masquerade' })], expected: [`${server[4]}:8080 from ${nodeOut[4]}`] },
  { about: 'masquerade in v6', words: ['masquerade'], hook: 'postrouting', type: 'nat', rules: [does({ do: 'masquerade' })], to: { address: server[6], port: 8080 }, expected: [`${server[6]}:8080 from ${nodeOut[6]}`] },
  { about: 'what was translated', words: ['ct status dnat'], ...prerouting, rules: [does({ do: 'dnat to map', family: 4, fields: [...front, 'meta mark'], map: 'endpoints' })], sets: [endpoints],
    more: [{ name: 'later', hook: { type: 'filter', hook: 'forward', priority: 0, policy: 'accept' }, rules: [...sentinelRules, is({ match: 'ct status dnat', is: true })] }], expected: ['dropped'] },
  { about: 'what was not translated', words: ['ct status dnat'], hook: 'forward', rules: [is({ match: 'ct status dnat', is: false })], expected: ['dropped'] },
];

function rulesetOf({ hook, type, rules, chains = [], sets = [], more = [] }: Case): Ruleset {
  const base: Chain = { name: 'base', hook: { type: type ?? 'filter', hook, priority: type ? -100 : 0, policy: 'accept' }, rules: [...sentinelRules, ...rules] };
  const all = [...chains, base, ...more];
  return { table: 'language', chains: new Map(all.map((chain) => [chain.name, chain])), sets: new Map(sets.map((set) => [set.name, set])) };
}

const refusals = { 'tcp reset': 'ECONNREFUSED', 'port-unreachable': 'ECONNREFUSED', 'admin-prohibited': 'EHOSTUNREACH' } as const;

const foretold = ({ verdict, rejection, packet }: RulesetOutcome): string => {
  if (verdict === 'rejected') return refusals[rejection!];
  return verdict === 'dropped' ? 'dropped' : `${packet.destination}:${packet.destinationPort} from ${packet.source}`;
};

let lab: Lab;
before(async () => {
  lab = await createLab(`lang-${process.pid}`);
});
after(() => lab.close());

/** Sends the packets one by one; what the kernel did tells which of the foretold memories is the true one. */
async function run(subject: Case): Promise<string[]> {
  const ruleset = rulesetOf(subject);
  const to = subject.to ?? { address: server[4], port: 8080 };
  const from = subject.from ?? 'client';
  const family = to.address.includes(':') ? 6 : 4;
  const source = from === 'client' ? client[family] : nodeOut[family];
  const packet = { family, protocol: 'UDP', source, sourcePort: 1, destination: to.address, destinationPort: to.port } as const;
  await runNft('test', lab.node, printReplacement(ruleset));
  let memories: Memory[] = [new Map()];
  const seen: string[] = [];
  for (let time = 0; time < (subject.times ?? 1); time++) {
    const outcomes = memories.flatMap((memory) =>
      evaluate(ruleset, { packet, enters: from === 'client' ? 'prerouting' : 'output', iifname: 'c0', memory }, machine),
    );
    const observed = await lab.send(from, to);
    const fitting = outcomes.filter((outcome) => foretold(outcome) === observed);
    assert.ok(fitting.length > 0, `kernel: ${observed}; evaluator: ${[...new Set(outcomes.map(foretold))].join(' | ')}`);
    memories = fitting.map(({ memory }) => memory);
    seen.push(observed);
  }
  return seen;
}

for (const subject of cases) {
  test(`${subject.words.join(', ')}: ${subject.about}`, async () => {
    const seen = await run(subject);
    const sticky = subject.words.includes('update map with mark');
    if (!subject.expected[0]!.includes(' | ')) assert.deepEqual(seen, subject.expected);
    else if (sticky) assert.equal(new Set(seen).size, 1);
    else assert.equal([...new Set(seen)].sort().join(' | '), subject.expected[0]);
  });
}

test('ct state: a second datagram after the answer is established', async () => {
  const subject = cases.find(({ about }) => about === 'new')!;
  // Tracking starts with the first rule that asks for it: the rule must be there before the first datagram.
  const before = rulesetOf({ ...subject, rules: [is({ match: 'ct state', states: ['invalid'] })] });
  await runNft('test', lab.node, printReplacement(before));
  const socket = await lab.socket('client', 4);
  const answered = once(socket, 'message');
  const target = { address: server[4], port: 8080, socket };
  assert.equal(await lab.send('client', target), delivered);
  await answered;
  await runNft('test', lab.node, printReplacement(rulesetOf(subject)));
  assert.equal(await lab.send('client', target), delivered);
  const packet = { family: 4, protocol: 'UDP', source: client[4], sourcePort: 1, destination: server[4], destinationPort: 8080 } as const;
  const [outcome] = evaluate(rulesetOf(subject), { packet, enters: 'prerouting', connection: 'established' }, machine);
  assert.equal(foretold(outcome!), delivered);
});

for (const [hook, type] of [['forward', undefined], ['prerouting', 'nat']] as const) {
  test(`reject: a TCP reset from ${hook} refuses at once`, async () => {
    const rules: Rule[] = [{ when: [field('meta l4proto', 'tcp')], then: { do: 'reject', with: 'tcp reset' } }];
    const subject: Case = { about: '', words: [], hook, type, rules, more: hook === 'forward' ? [] : [tracking], expected: [] };
    const to = { address: server[4], port: 8080 };
    await runNft('test', lab.node, printReplacement(rulesetOf({ ...subject, rules: [] })));
    assert.equal(await lab.connect(to), 'connected');
    await runNft('test', lab.node, printReplacement(rulesetOf(subject)));
    assert.equal(await lab.connect(to), 'ECONNREFUSED');
    const packet = { family: 4, protocol: 'TCP', source: client[4], sourcePort: 1, destination: server[4], destinationPort: 8080 } as const;
    assert.deepEqual(evaluate(rulesetOf(subject), { packet, enters: 'prerouting' }, machine).map(foretold), ['ECONNREFUSED']);
    if (hook === 'prerouting') assert.equal(await lab.connect(vip), 'ECONNREFUSED');
  });
}

// Typed as complete: a new Match or Action does not compile until it is named here, and fails until it has a case.
const allMatches: Record<Match['match'], true> = {
  family: true, 'ct state': true, 'ct status dnat': true, field: true, 'in set': true, mark: true, 'local destination': true, 'local source': true, limit: true,
};
const allActions: Record<Action['do'], true> = {
  accept: true, drop: true, return: true, jump: true, goto: true, reject: true, vmap: true, 'set mark from map': true, 'set mark': true, 'set mark random': true,
  'update map with mark': true, 'forget in map': true, 'dnat to map': true, dnat: true, masquerade: true, log: true, counter: true,
};

test('every Match and every Action has met the kernel', () => {
  const met = new Set(cases.flatMap(({ words, rules, chains = [], more = [] }) => {
    const all = [...rules, ...[...chains, ...more].flatMap((chain) => chain.rules)];
    const used = new Set(all.flatMap(({ when, then }) => [...when.map(({ match }) => match as string), then.do]));
    return words.filter((word) => used.has(word));
  }));
  assert.deepEqual([...Object.keys(allMatches), ...Object.keys(allActions)].filter((word) => !met.has(word)), []);
});
