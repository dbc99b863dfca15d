// A schema as it is published: with the fields every object has, and without what OpenAPI v3 does not know.
import type { JsonSchema } from './json-schema.ts';

interface KindName {
  group: string;
  version: string;
  kind: string;
}

/** `io.k8s.networking.gateway.v1.HTTPRoute` */
export const customSchemaName = ({ group, version, kind }: KindName): string => `${group.split('.').toReversed().join('.')}.${version}.${kind}`;

const texts = {
  apiVersion:
    'APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources',
  kind: 'Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds',
  metadata: "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
};

export function customOpenApi(schema: JsonSchema, name: KindName): Record<string, unknown> {
  const { properties, ...rest } = schema;
  return {
    ...rest,
    type: 'object',
    properties: {
      ...properties,
      apiVersion: { type: 'string', description: texts.apiVersion },
      kind: { type: 'string', description: texts.kind },
      metadata: { description: texts.metadata, allOf: [{ $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' }] },
    },
    'x-kubernetes-group-version-kind': [name],
  };
}
