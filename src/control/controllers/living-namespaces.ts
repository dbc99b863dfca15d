// No controller makes anything in a namespace that is missing or going: the API server's own rule (its admission is
// not on our way), without which a namespace would never be empty.
import { namespaceKind } from '../../kube/kinds/namespace.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';
import type { Controller } from './controller.ts';

function isWelcome(write: Write, seen: Snapshot): boolean {
  if (write.verb !== 'create' || !write.object.metadata.namespace) return true;
  const namespace = seen.get(namespaceKind, write.object.metadata.namespace);
  return namespace !== undefined && !namespace.metadata.deletionTimestamp && namespace.status?.phase !== 'Terminating';
}

/** Woken by namespaces too: one that comes late gets what it was owed. */
export const onlyInLivingNamespaces = (controller: Controller): Controller => ({
  ...controller,
  reads: controller.reads.includes(namespaceKind) ? controller.reads : [...controller.reads, namespaceKind],
  decide: (seen, now) => controller.decide(seen, now).filter((write) => isWelcome(write, seen)),
});
