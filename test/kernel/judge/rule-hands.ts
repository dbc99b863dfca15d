// The three ways in which a node's rules come into its kernel, behind one face: netlink, nft's text, iptables.
// Serves the kernel judge and the expansions, which do not care which it is.
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import type { NetworkModel } from '../../../src/model/network-model.ts';
import { createIptablesRenderer } from '../../../src/node/dataplane/iptables/render-iptables.ts';
import { createRenderer, TABLE } from '../../../src/node/dataplane/render.ts';
import { DriverError } from '../../../src/node/linux/driver.ts';
import { createIptablesDriver } from '../../../src/node/linux/iptables/iptables-driver.ts';
import { createNetlinkRulesetDriver } from '../../../src/node/linux/ruleset-netlink.ts';
import { createTextRulesetDriver } from '../../../src/node/linux/ruleset-text.ts';
import { runNft } from '../../../src/node/linux/run-nft.ts';
import { inNamespace, type Netns } from '../../../src/node/netlink/namespaces.ts';

export type RulesBy = 'netlink' | 'text' | 'iptables';

export interface RuleHands {
  readonly by: RulesBy;
  apply(model: NetworkModel): Promise<void>;
  /** The model and a rule that the kernel must refuse: it takes nothing, or half of it. */
  refuse(model: NetworkModel): Promise<void>;
  /** As if every client of a sticky Service had been silent for long. */
  forgetClients(model: NetworkModel): Promise<void>;
  close(): void;
}

export const openRuleHands = (namespace: Netns, by: RulesBy): RuleHands => (by === 'iptables' ? iptablesHands(namespace) : nftHands(namespace, by));

const toNowhere = { do: 'jump', chain: 'nowhere' } as const;

function nftHands(namespace: Netns, by: 'netlink' | 'text'): RuleHands {
  const netlink = by === 'netlink' ? createNetlinkRulesetDriver(namespace, TABLE) : undefined;
  const driver = netlink ?? createTextRulesetDriver(namespace, TABLE);
  const render = createRenderer();
  return {
    by,
    async apply(model) {
      await driver.apply(render(model));
    },
    async refuse(model) {
      const rules = render(model);
      const broken = { name: 'broken', rules: [{ when: [], then: toNowhere }] };
      await assert.rejects(driver.apply({ ...rules, chains: new Map([...rules.chains, ['broken', broken]]) }), DriverError);
    },
    async forgetClients(model) {
      const memories = [...render(model).sets.values()].filter(({ dynamic }) => dynamic);
      await runNft('kernel judge', namespace, memories.map((set) => `flush map inet ${TABLE} ${set.name}\n`).join(''));
    },
    close: () => netlink?.close(),
  };
}

const lists = '/proc/self/net/xt_recent';

function iptablesHands(namespace: Netns): RuleHands {
  const driver = createIptablesDriver(namespace);
  const render = createIptablesRenderer();
  return {
    by: 'iptables',
    async apply(model) {
      await driver.apply(render(model));
    },
    async refuse(model) {
      const rules = render(model);
      const broken = { name: 'KUBE-PROXY-CANARY', rules: [{ when: [], then: toNowhere }] };
      const nat = { ...rules[4].nat, chains: new Map([...rules[4].nat.chains, [broken.name, broken]]) };
      await assert.rejects(driver.apply({ ...rules, 4: { ...rules[4], nat } }), DriverError);
    },
    async forgetClients() {
      inNamespace(namespace, () => readdirSync(lists).forEach((list) => writeFileSync(`${lists}/${list}`, '/')));
    },
    close: () => {},
  };
}
