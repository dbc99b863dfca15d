// For tests: what a store does with a Service, over a list instead of a store.
import { deepFreeze } from '../../../base/data/freeze.ts';
import { invalidError } from '../../meaning/api-error.ts';
import type { Service, ServiceSpec } from '../../objects/core.ts';
import type { KubeObject, ObjectMeta } from '../../objects/meta.ts';
import type { Snapshot } from '../../store/store.ts';
import type { Kind } from '../kind.ts';

export const snapshotOf = (services: readonly Service[]): Snapshot => ({
  revision: 1,
  list: <T extends KubeObject>() => services as unknown as readonly T[],
  get: () => undefined,
});

export const service = (spec: ServiceSpec, metadata: Partial<ObjectMeta> = {}): Service =>
  deepFreeze({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'default', ...metadata }, spec });

/** Prepared, defaulted, validated, allocated; throws ApiError where a store would. */
export function writeService(kind: Kind<Service>, wished: Service, others: readonly Service[] = [], old?: Service): Service {
  const { prepareUpdate, setDefaults, validate, allocate } = kind as Required<Kind<Service>>;
  const complete = deepFreeze(setDefaults(deepFreeze(old ? prepareUpdate(wished, old) : wished)));
  const errors = validate(complete, old);
  if (errors.length > 0) throw invalidError(kind as Kind, wished.metadata.name, errors);
  // A list of its own each time, as stores make one for each revision.
  return deepFreeze(allocate(complete, old, snapshotOf([...others, ...(old ? [old] : [])])));
}
