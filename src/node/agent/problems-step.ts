// What the model finds wrong with pods of this node (host ports that somebody else has), as Warning events of these pods:
// `kubectl describe pod` shows it. Told once for as long as it lasts; nothing waits for it and nothing depends on it.
import { podKind } from '../../kube/kinds/pod.ts';
import type { ObjectStore } from '../../kube/store/store.ts';
import type { NetworkModel, Problem } from '../../model/network-model.ts';
import type { RecordEvent } from '../pods/pod-events.ts';
import type { AgentStep } from './step.ts';

const keyOf = ({ about, reason, message }: Problem): string => [about.namespace, about.name, reason, message].join('\n');

export function problemsStep(store: Pick<ObjectStore, 'snapshot'>, record: RecordEvent): AgentStep {
  let told: ReadonlyMap<string, Problem> = new Map();
  let last: NetworkModel['problems'] | undefined;
  return {
    name: 'problems',
    async apply({ problems }) {
      if (problems === last) return { changes: 0, tookMs: 0 };
      const now = new Map(problems.filter(({ about }) => about.kind === 'Pod').map((problem) => [keyOf(problem), problem]));
      const news = [...now].flatMap(([key, problem]) => (told.has(key) ? [] : [problem]));
      for (const { about: { name, namespace }, reason, message } of news) {
        const about = store.snapshot().get(podKind, name, namespace);
        if (about) record({ about, type: 'Warning', reason, message });
      }
      [told, last] = [now, problems];
      // Nothing of the machine has changed.
      return { changes: 0, tookMs: 0 };
    },
    async remove() {},
  };
}
