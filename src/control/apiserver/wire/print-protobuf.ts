// Objects as protobuf. As with texts (print.ts): the bytes of each are made once and remembered by identity.
import type { KubeObject } from '../../../kube/objects/meta.ts';
import { encodeBare, encodePartial, hasProtobuf, wrapProtobuf, wrapProtobufList } from '../../../kube/wire/protobuf.ts';
import type { Resource } from '../registry.ts';
import type { ListMeta } from './print.ts';

const bodies = new WeakMap<KubeObject, Uint8Array>();

/** Custom resources have none. */
export const speaksProtobuf = ({ kind }: Resource): boolean => !kind.ownFields && hasProtobuf(kind);

function bodyBytes({ kind }: Resource, served: KubeObject): Uint8Array {
  let bytes = bodies.get(served);
  if (!bytes) {
    const { apiVersion } = kind;
    // A copy of its own length: the encoder's buffer is larger.
    bytes = Uint8Array.from(encodeBare({ ...served, apiVersion, kind: kind.kind })!);
    bodies.set(served, bytes);
  }
  return bytes;
}

export const printProtobuf = (resource: Resource, stored: KubeObject): Buffer =>
  wrapProtobuf(resource.kind, [bodyBytes(resource, resource.fromStored(stored))]);

export function printProtobufList(resource: Resource, items: readonly KubeObject[], metadata: ListMeta): Buffer {
  const { kind, apiVersion, listKind = `${kind}List` } = resource.kind;
  return wrapProtobufList({ apiVersion, kind: listKind }, metadata, items.map((item) => bodyBytes(resource, resource.fromStored(item))));
}

const partial = (kind: string, version: string) => ({ apiVersion: `meta.k8s.io/${version}`, kind });

export const printPartialProtobuf = ({ metadata }: KubeObject, version: string): Buffer =>
  wrapProtobuf(partial('PartialObjectMetadata', version), [encodePartial(metadata)]);

export const printPartialProtobufList = (items: readonly KubeObject[], meta: ListMeta, version: string): Buffer =>
  wrapProtobufList(partial('PartialObjectMetadataList', version), meta, items.map(({ metadata }) => encodePartial(metadata)));
