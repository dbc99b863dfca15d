import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpBlock, Permit, PodPolicy } from '../../model/network-model.ts';
import { diffRulesets, emptyRuleset } from '../nft/diff.ts';
import { printRule } from '../nft/print.ts';
import { allElements, type NftSet, type Ruleset } from '../nft/ruleset.ts';
import { createPolicyRenderer } from './render-policies.ts';

const allow = { kind: 'NetworkPolicy', namespace: 'default', name: 'allow' };
const host = (n: number): IpBlock => ({ cidr: `10.244.2.${n}/32` });
const permit = (over: Partial<Permit>): Permit => ({ peers: 'anyone', ports: 'any', origin: allow, ...over });
const policy = (n: number, over: Partial<PodPolicy>): PodPolicy => ({
  pod: { kind: 'Pod', namespace: 'default', name: `web-${n}` },
  ips: [`10.244.1.${n}`],
  ingress: 'open',
  egress: 'open',
  isolatedBy: { ingress: [allow], egress: [allow] },
  ...over,
});

function rulesetFor(...policies: PodPolicy[]): Ruleset {
  const { sets, chains } = createPolicyRenderer()(new Map(policies.map((each) => [`default/${each.pod.name}`, each])));
  return { table: 't', sets: new Map(sets.map((set) => [set.name, set])), chains: new Map(chains.map((chain) => [chain.name, chain])) };
}
const rulesOf = (ruleset: Ruleset, chain: string) => (ruleset.chains.get(chain)?.rules ?? []).map(printRule).map((rule) => rule.replace(/ comment .*/, ''));
const keysOf = (set: NftSet | undefined) => (set ? [...allElements(set).keys()] : undefined);
const end = ['log prefix "deny ingress default/web-1 NetworkPolicy default/allow" group 5', 'drop'];

test('NP-57: a peer more is one element more, however many pods and rules there are', () => {
  const peers = [host(1), host(2)];
  const before = rulesetFor(...[1, 2, 3].map((n) => policy(n, { ingress: [permit({ peers })] })));
  const after = rulesetFor(...[1, 2, 3].map((n) => policy(n, { ingress: [permit({ peers: [...peers, host(3)] })] })));
  const diff = diffRulesets(before, after)!;
  assert.deepEqual(diff.addedElements.map(({ set, elements }) => [set.name, elements.map(({ key }) => key)]), [['peers/default/allow/ingress-0/hosts4', [['10.244.2.3']]]]);
  assert.deepEqual([diff.addedSets, diff.addedChains, diff.changedChains, diff.removedElements].flat(), []);
});

test('pods under one policy share its sets', () => {
  const ingress = [permit({ peers: [host(1)] })];
  const { sets } = rulesetFor(policy(1, { ingress }), policy(2, { ingress }));
  assert.deepEqual([...sets.keys()].filter((name) => name.startsWith('peers/')), ['peers/default/allow/ingress-0/hosts4']);
});

test('where the same rule means other peers for another pod, that pod gets sets of its own', () => {
  const ruleset = rulesetFor(policy(1, { ingress: [permit({ peers: [host(1)] })] }), policy(2, { ingress: [permit({ peers: [host(2)] })] }));
  assert.deepEqual(keysOf(ruleset.sets.get('peers/default/allow/ingress-0/hosts4')), ['10.244.2.1']);
  assert.deepEqual(keysOf(ruleset.sets.get('peers/default/allow/ingress-0/default/web-2/hosts4')), ['10.244.2.2']);
  assert.ok(rulesOf(ruleset, 'ingress/default/web-2').includes('ip saddr @peers/default/allow/ingress-0/default/web-2/hosts4 accept'));
});

test('NPT-36: an exception holds for its own block only', () => {
  const peers = [{ cidr: '172.17.0.0/16', except: ['172.17.1.0/24'] }, { cidr: '172.17.1.128/25' }];
  const { sets } = rulesetFor(policy(1, { ingress: [permit({ peers })] }));
  assert.deepEqual(keysOf(sets.get('peers/default/allow/ingress-0/blocks4')), ['172.17.0.0/24', '172.17.1.128-172.17.255.255']);
});

const rows: [about: string, permits: Permit[], expected: string[]][] = [
  ['NP-09: a pod reaches itself; nothing else is permitted', [], []],
  ['NP-22: an empty rule permits everyone', [permit({})], ['accept']],
  ['NPT-29: ports without peers', [permit({ ports: [{ protocol: 'TCP', first: 80, last: 80 }] })], ['meta l4proto == tcp th dport == 80 accept']],
  ['NPT-21: a protocol without port', [permit({ ports: [{ protocol: 'UDP' }] })], ['meta l4proto == udp accept']],
  ['NPT-31: a range of ports', [permit({ ports: [{ protocol: 'TCP', first: 32_000, last: 32_768 }] })], ['meta l4proto == tcp th dport == 32000-32768 accept']],
  ['a rule whose ports mean nothing permits nothing', [permit({ ports: [] })], []],
  ['a rule whose peers are nobody permits nothing', [permit({ peers: [] })], []],
  ['NPT-72: peers of both families', [permit({ peers: [host(1), { cidr: 'fd00::1/128' }] })], ['ip saddr @peers/default/allow/ingress-0/hosts4 accept', 'ip6 saddr @peers/default/allow/ingress-0/hosts6 accept']],
];
for (const [about, ingress, expected] of rows) {
  test(about, () => {
    const ruleset = rulesetFor(policy(1, { ingress }));
    assert.deepEqual(rulesOf(ruleset, 'ingress/default/web-1'), ['ip saddr == 10.244.1.1 accept', ...expected, ...end]);
    assert.equal(ruleset.chains.has('egress/default/web-1'), false);
  });
}

test('NPT-25: a named port holds at the addresses that give it a meaning', () => {
  const ports = [{ protocol: 'TCP' as const, first: 80, last: 80, onlyFor: '10.244.2.1' }, { protocol: 'TCP' as const, first: 81, last: 81, onlyFor: '10.244.2.2' }];
  const ruleset = rulesetFor(policy(1, { egress: [permit({ peers: [host(1), host(2)], ports })] }));
  assert.deepEqual(keysOf(ruleset.sets.get('peers/default/allow/egress-0/named4')), ['10.244.2.1 . tcp . 80', '10.244.2.2 . tcp . 81']);
  assert.equal(rulesOf(ruleset, 'egress/default/web-1')[1], 'ip daddr @peers/default/allow/egress-0/hosts4 ip daddr . meta l4proto . th dport @peers/default/allow/egress-0/named4 accept');
});

test('NP-37: a transaction never opens a pod: its chain is whole before anything leads to it', () => {
  const isolated = rulesetFor(policy(1, { ingress: [permit({ peers: [host(1)] })] }));
  const diff = diffRulesets(emptyRuleset('t'), isolated)!;
  assert.deepEqual(diff.addedChains.map(({ name }) => name), ['ingress/default/web-1']);
  assert.equal(rulesOf(isolated, 'ingress/default/web-1').at(-1), 'drop');
});
