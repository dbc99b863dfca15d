// A controller looks at a snapshot and says what it would write. It cannot loop, sleep or call out: runner.ts does.
// decide() on an unchanged snapshot after its own writes landed must return nothing (a habit test checks it).
import type { Kind } from '../../kube/kinds/kind.ts';
import type { Snapshot, Write } from '../../kube/store/store.ts';

export interface Controller {
  readonly name: string;
  /** It is called again when an object of these kinds changed. */
  readonly reads: readonly Kind[];
  /** Further kinds, which the snapshot itself defines. The same list while no definition changed. */
  alsoReads?(seen: Snapshot): readonly Kind[];
  decide(seen: Snapshot, now: Date): Write[];
  /** Milliseconds until time alone could change the answer (a grace period ends); absent = only objects matter. */
  wakeAfterMs?(seen: Snapshot, now: Date): number | undefined;
}
