// What is made from the kinds that are served: at the first use, and again only when these have changed.
import type { Api } from '../api.ts';
import type { KindRegistry } from '../registry.ts';

export function perRevision<T>(make: (api: Api) => T): (api: Api) => T {
  const made = new WeakMap<KindRegistry, { revision: number; value: T }>();
  return (api) => {
    const { registry } = api;
    const known = made.get(registry);
    if (known?.revision === registry.revision) return known.value;
    const value = make(api);
    made.set(registry, { revision: registry.revision, value });
    return value;
  };
}
