// The agent's step that brings Services and policies into the kernel, in the language that was chosen for the node.
// What the other language has left there goes once the rules of this one stand, so that no packet meets neither.
import type { NetworkModel } from '../../model/network-model.ts';
import { createIptablesRenderer } from '../dataplane/iptables/render-iptables.ts';
import { createRenderer, TABLE } from '../dataplane/render.ts';
import type { Applied } from '../linux/driver.ts';
import { createIptablesDriver, holdsIptablesRules } from '../linux/iptables/iptables-driver.ts';
import { createNetlinkRulesetDriver } from '../linux/ruleset-netlink.ts';
import type { Netns } from '../netlink/namespaces.ts';
import { type AgentStep, step } from './step.ts';

export type ProxyMode = 'nftables' | 'iptables';

async function removeNftables(namespace: Netns): Promise<void> {
  const driver = createNetlinkRulesetDriver(namespace, TABLE);
  try {
    await driver.remove();
  } finally {
    driver.close();
  }
}

/** Where there is nothing, no program is run. */
async function removeIptables(namespace: Netns): Promise<void> {
  if (holdsIptablesRules(namespace)) await createIptablesDriver(namespace).remove();
}

const removeOther = (mode: ProxyMode, namespace: Netns): Promise<void> => (mode === 'nftables' ? removeIptables(namespace) : removeNftables(namespace));

const openStep = (mode: ProxyMode, namespace: Netns): AgentStep =>
  mode === 'nftables' ? step(createRenderer(), createNetlinkRulesetDriver(namespace, TABLE)) : step(createIptablesRenderer(), createIptablesDriver(namespace));

export function rulesStep(mode: ProxyMode, namespace: Netns): AgentStep {
  const chosen = openStep(mode, namespace);
  let isAlone = false;
  return {
    ...chosen,
    async apply(model: NetworkModel): Promise<Applied> {
      const applied = await chosen.apply(model);
      if (!isAlone) await removeOther(mode, namespace);
      isAlone = true;
      return applied;
    },
  };
}

/** Takes away the rules of either language. */
export async function removeRules(namespace: Netns): Promise<void> {
  await removeIptables(namespace);
  await removeNftables(namespace);
}
