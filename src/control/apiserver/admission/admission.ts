// What a step of admission may look at besides the object itself.
import type { Snapshot } from '../../../kube/store/store.ts';
import type { KindRegistry } from '../registry.ts';
import type { Target } from '../router.ts';

export interface Admission {
  registry: KindRegistry;
  seen: Snapshot;
  target: Target;
}
