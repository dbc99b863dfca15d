// Reads everything that lies under the prefix, at one revision, in pages.
import type { KubeObject } from '../../objects/meta.ts';
import { StoreError } from '../store-error.ts';
import type { EtcdClient } from './etcd-client.ts';
import type { Keys } from './keys.ts';
import type { KeyValue } from './messages.ts';

const pageSize = 1000;

export async function loadAll(client: EtcdClient, { range }: Keys): Promise<{ revision: number; kvs: KeyValue[] }> {
  const kvs: KeyValue[] = [];
  let key = range.key;
  let revision = 0;
  for (;;) {
    const page = await client.range({ key, range_end: range.range_end, limit: pageSize, revision });
    revision ||= page.header.revision;
    for (const kv of page.kvs) kvs.push(kv);
    if (!page.more) return { revision, kvs };
    key = Buffer.concat([page.kvs.at(-1)!.key, Buffer.from([0])]);
  }
}

/** The stored text carries no version: etcd's revision is the version. Throws where the value is not ours. */
export function readObject({ key, value, mod_revision }: KeyValue): KubeObject {
  try {
    const object = JSON.parse(value.toString()) as KubeObject;
    object.metadata.resourceVersion = String(mod_revision);
    return object;
  } catch {
    // Another program's encoding. Going on without the object would be to lose it.
    throw new StoreError(`etcd key ${key.toString()} holds no JSON object: another program wrote it; use another --etcd-prefix`);
  }
}

export function printObject(object: KubeObject): Buffer {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return Buffer.from(JSON.stringify({ ...object, metadata }));
}
