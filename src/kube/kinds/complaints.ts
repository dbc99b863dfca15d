// For tests: what a store would complain about, as `field: message` lines, after defaults were filled in.
import { deepFreeze } from '../../base/data/freeze.ts';
import type { KubeObject } from '../objects/meta.ts';
import type { Kind } from './kind.ts';

export const metadata = (more: Partial<KubeObject['metadata']> = {}): KubeObject['metadata'] => ({ name: 'a', namespace: 'default', ...more });

/** Objects in tests are loose: they are wrong on purpose. */
export function objectOf<T extends KubeObject>(kind: Kind<T>, body: object): T {
  const meta = metadata(kind.namespaced ? {} : { namespace: undefined });
  return deepFreeze({ apiVersion: kind.apiVersion, kind: kind.kind, metadata: meta, ...body }) as unknown as T;
}

export const defaulted = <T extends KubeObject>(kind: Kind<T>, body: object): T => {
  const object = objectOf(kind, body);
  return deepFreeze(kind.setDefaults?.(object) ?? object);
};

export function complaints<T extends KubeObject>(kind: Kind<T>, body: object, oldBody?: object): string[] {
  const old = oldBody && defaulted(kind, oldBody);
  const wished = objectOf(kind, body);
  const prepared = old ? deepFreeze(kind.prepareUpdate?.(wished, old) ?? wished) : wished;
  const complete = deepFreeze(kind.setDefaults?.(prepared) ?? prepared);
  return (kind.validate?.(complete, old) ?? []).map(({ field, message }) => `${field}: ${message}`);
}

export const rowOf = <T extends KubeObject>(kind: Kind<T>, body: object, now = new Date(0)): unknown[] => {
  const object = defaulted(kind, body);
  return kind.columns.map(({ cell }) => cell(object, now));
};
