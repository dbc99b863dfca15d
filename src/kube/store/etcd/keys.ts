// Where things lie in etcd. Objects: <prefix>/<group or core>/<plural>/[<namespace>/]<name>, without the version, so that
// an object keeps its place when the version it is stored in changes. What the servers agree on among themselves lies
// under the same prefix, so that the one watch shows every revision that we cause.
import type { Kind } from '../../kinds/kind.ts';
import { groupOf } from '../../meaning/api-error.ts';

export const defaultPrefix = '/registry';

/** The part of a key between prefix and object: `apps/deployments`. */
export const resourceOf = ({ apiVersion, plural }: Pick<Kind, 'apiVersion' | 'plural'>): string => `${groupOf(apiVersion) || 'core'}/${plural}`;

const own = '.fairlead';

export interface Keys {
  /** First and past-the-last key of all that is ours. */
  readonly range: { key: Buffer; range_end: Buffer };
  object(kind: Pick<Kind, 'apiVersion' | 'plural'>, key: string): Buffer;
  /** What two servers must not decide at once has a guard that each of them moves on. */
  guard(name: string): Buffer;
  readonly mark: Buffer;
  readonly compaction: Buffer;
  /** Takes a key apart; undefined for what is neither an object nor a guard. */
  parse(key: Buffer): { resource: string; object: string } | { guard: string } | undefined;
}

export function keysUnder(prefix: string): Keys {
  const root = `${prefix.replace(/\/+$/, '')}/`;
  const at = (path: string) => Buffer.from(`${root}${path}`);
  return {
    // '0' follows '/': the range holds exactly what begins with the root.
    range: { key: Buffer.from(root), range_end: Buffer.from(`${root.slice(0, -1)}0`) },
    object: (kind, key) => at(`${resourceOf(kind)}/${key}`),
    guard: (name) => at(`${own}/guards/${name}`),
    mark: at(`${own}/mark`),
    compaction: at(`${own}/compaction`),
    parse(key) {
      const path = key.toString().slice(root.length);
      const guard = `${own}/guards/`;
      if (path.startsWith(guard)) return { guard: path.slice(guard.length) };
      const [group, plural, ...object] = path.split('/');
      if (!group || group === own || !plural || object.length === 0) return undefined;
      return { resource: `${group}/${plural}`, object: object.join('/') };
    },
  };
}

/** The kinds whose objects hand out or take addresses and ports of one book. */
const addressKinds = new Set(['v1/Service', 'networking.k8s.io/v1/IPAddress', 'networking.k8s.io/v1/ServiceCIDR']);

/** The guard that a write of this kind moves on; undefined where objects do not depend on each other. */
export function guardOf(kind: Kind): string | undefined {
  const name = `${kind.apiVersion}/${kind.kind}`;
  if (addressKinds.has(name)) return 'service-addresses';
  return kind.allocate ? resourceOf(kind).replace('/', '.') : undefined;
}
