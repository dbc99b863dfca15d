// Which pods each Service selects. Pods look up the few Services that ask for one of their labels, so that the cost
// follows the number of pods, not pods × Services.
import { memoByIdentity, memoLast } from '../../../base/data/memo.ts';
import { matchesLabels } from '../../../kube/meaning/label-selector.ts';
import { hasSelector } from '../../../kube/kinds/service/traits.ts';
import { podKind } from '../../../kube/kinds/pod.ts';
import { serviceKind } from '../../../kube/kinds/service.ts';
import type { Pod, Service } from '../../../kube/objects/core.ts';
import { objectKey, type Snapshot } from '../../../kube/store/store.ts';
import { type Groups, groupKeeping, sameItems } from '../keep-lists.ts';

type Selector = Readonly<Record<string, string>>;
type Index = ReadonlyMap<string, readonly { service: string; selector: Selector }[]>;

/** Has endpoints of its own making. */
export const isSelecting = (service: Service): boolean => service.spec.type !== 'ExternalName' && hasSelector(service);

const pairKey = (namespace: string | undefined, label: string, value: string): string => `${namespace}\n${label}\n${value}`;

/** By one pair of each selector. */
function buildIndex(parts: readonly unknown[]): Index {
  const index = new Map<string, { service: string; selector: Selector }[]>();
  for (let i = 0; i < parts.length; i += 2) {
    const service = parts[i] as string;
    const selector = parts[i + 1] as Selector;
    const [label, value] = Object.entries(selector)[0]!;
    const key = pairKey(service.slice(0, service.indexOf('/')), label, value);
    const there = index.get(key);
    if (there) there.push({ service, selector });
    else index.set(key, [{ service, selector }]);
  }
  return index;
}

/** The same index while no selector changed, whatever else in the Services did. */
function createSelectorIndex(): (services: readonly Service[]) => Index {
  let last: { parts: readonly unknown[]; index: Index } | undefined;
  return memoLast((services: readonly Service[]) => {
    const parts = services.filter(isSelecting).flatMap((service) => [objectKey(service), service.spec.selector]);
    if (!last || !sameItems(last.parts, parts)) last = { parts, index: buildIndex(parts) };
    return last.index;
  });
}

const servicesOf = memoByIdentity((pod: Pod, index: Index): readonly string[] => {
  const { namespace, labels = {} } = pod.metadata;
  const candidates = Object.entries(labels).flatMap(([label, value]) => index.get(pairKey(namespace, label, value)) ?? []);
  return candidates.filter(({ selector }) => matchesLabels(selector, labels)).map(({ service }) => service);
});

const indexOf = createSelectorIndex();
const grouped = groupKeeping(servicesOf);

/** By `namespace/service`; pods in order of their names. */
export const podsByService = (seen: Snapshot): Groups<Pod> => grouped(seen.list(podKind), indexOf(seen.list(serviceKind)));
