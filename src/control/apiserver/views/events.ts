// events.k8s.io/v1 Event: the same stored events as core/v1, under other field names.
// https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
import type { Kind } from '../../../kube/kinds/kind.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { View } from '../registry.ts';

type Fields = KubeObject & Record<string, unknown>;

const renamed: readonly (readonly [core: string, view: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
];
const toView = new Map(renamed);
const toCore = new Map(renamed.map(([core, view]) => [view, core]));

function rename(object: KubeObject, names: ReadonlyMap<string, string>, apiVersion: string): KubeObject {
  const entries = Object.entries(object as Fields).map(([name, value]) => [names.get(name) ?? name, value]);
  return { ...Object.fromEntries(entries), apiVersion } as KubeObject;
}

const selectorName = (label: string) =>
  label.replace(/^involvedObject\./, 'regarding.').replace(/^reportingComponent$/, 'reportingController');

export function eventsView(stored: Kind): View {
  const seen = new WeakMap<KubeObject, KubeObject>();
  const selectors = Object.entries(stored.fieldSelectors ?? {}).filter(([label]) => label !== 'source');
  return {
    stored,
    kind: {
      ...stored,
      apiVersion: 'events.k8s.io/v1',
      fieldSelectors: Object.fromEntries(selectors.map(([label, value]) => [selectorName(label), value])),
    },
    toStored: (object) => rename(object, toCore, stored.apiVersion),
    fromStored(object) {
      const view = seen.get(object) ?? rename(object, toView, 'events.k8s.io/v1');
      seen.set(object, view);
      return view;
    },
  };
}
