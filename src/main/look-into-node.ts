// Asks the kernel of a node of the stand-alone cluster whether it holds what a Service should have there. Changes nothing.
import type { NetworkModel } from '../model/network-model.ts';
import { createRenderer, TABLE } from '../node/dataplane/render.ts';
import { renderService } from '../node/dataplane/services.ts';
import { openNftLook } from '../node/linux/look/nft-look.ts';
import { nodeNamespace } from '../node/machine/names.ts';
import { tablesOf } from '../node/nft/print-changes.ts';
import type { KernelView } from '../ui/trace/print-service.ts';

/** By key of Service port; undefined where we may not look, or where there is nothing to look at. */
export async function lookIntoNode(cluster: string, model: NetworkModel, keys: readonly string[]): Promise<KernelView | undefined> {
  const { sets } = createRenderer()(model);
  try {
    const look = openNftLook(nodeNamespace(cluster, model.self.name));
    try {
      const tables = tablesOf(TABLE);
      const holds = (set: string, element: Parameters<typeof look.hasElement>[2]) => tables.some((table) => look.hasElement(table, sets.get(set)!, element));
      return new Map(
        keys.map((key) => {
          const wished = [...renderService(model.services.get(key)!).elements].flatMap(([set, elements]) => (sets.get(set)?.interval ? [] : [...elements.values()].map((element) => ({ set, element }))));
          return [key, { wished: wished.length, held: wished.filter(({ set, element }) => holds(set, element)).length }];
        }),
      );
    } finally {
      look.close();
    }
  } catch {
    // Not root, or another machine: the model's answer stands without the kernel's.
    return undefined;
  }
}
