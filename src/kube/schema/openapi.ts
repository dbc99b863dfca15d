// The table of types as OpenAPI v3 component schemas, with the extensions clients look for: which kind a schema is,
// how lists merge. `kubectl explain` and clients that apply by schema read them.
import { messageOf } from './schema.ts';
import type { Field, Message, Scalar } from './schema.ts';

export type OpenApiSchema = Readonly<Record<string, unknown>>;

interface KindName {
  apiVersion: string;
  kind: string;
}

/** Schemas of the kinds and of every type in them, by their upstream names (`io.k8s.api.core.v1.Service`). */
export function openApiSchemas(kinds: readonly KindName[]): Record<string, OpenApiSchema> {
  const schemas: Record<string, OpenApiSchema> = {};
  const visit = (message: Message) => {
    if (schemas[nameOf(message)]) return;
    schemas[nameOf(message)] = {};
    schemas[nameOf(message)] = messageSchema(message);
    for (const field of message.fields.values()) {
      const wrapped = field.scalar && wrappers[field.scalar];
      if (wrapped) schemas[wrapped.name] = wrapped.schema;
      if (field.message) visit(field.message);
    }
  };
  for (const { apiVersion, kind } of kinds) {
    const message = messageOf(apiVersion, kind);
    if (!message) continue;
    visit(message);
    const says = { group: apiVersion.includes('/') ? apiVersion.split('/')[0] : '', version: apiVersion.split('/').at(-1), kind };
    schemas[nameOf(message)] = { ...schemas[nameOf(message)], [kindExtension]: [says] };
  }
  return schemas;
}

/** What custom kinds refer to: metadata and the types in it. */
export const metadataSchemas = (): Record<string, OpenApiSchema> => {
  const all = openApiSchemas([{ apiVersion: 'v1', kind: 'ConfigMap' }]);
  return Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith(packages['meta']!)));
};

const kindExtension = 'x-kubernetes-group-version-kind';

const packages: Readonly<Record<string, string>> = {
  meta: 'io.k8s.apimachinery.pkg.apis.meta',
  'apiextensions.k8s.io': 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions',
  'apiregistration.k8s.io': 'io.k8s.kube-aggregator.pkg.apis.apiregistration',
};

function nameOf({ name }: Message): string {
  const slash = name.indexOf('/');
  const group = slash < 0 ? 'core' : name.slice(0, slash);
  return `${packages[group] ?? `io.k8s.api.${group.split('.')[0]}`}.${name.slice(slash + 1)}`;
}

function messageSchema(message: Message): OpenApiSchema {
  const typed: [string, OpenApiSchema][] = message.typed ? [['apiVersion', { type: 'string' }], ['kind', { type: 'string' }]] : [];
  const properties = Array.from(message.fields, ([name, field]): [string, OpenApiSchema] => [name, fieldSchema(field)]);
  const required = Array.from(message.fields).filter(([, field]) => field.required).map(([name]) => name);
  return {
    type: 'object',
    properties: Object.fromEntries([...typed, ...properties].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    ...(required.length > 0 && { required }),
    ...(message.atomic && { 'x-kubernetes-map-type': 'atomic' }),
  };
}

function fieldSchema(field: Field): OpenApiSchema {
  const extensions = { ...applyExtensions(field), ...patchExtensions(field) };
  const one = valueSchema(field);
  if (field.holds === 'list') return { type: 'array', items: one, ...extensions };
  if (field.holds === 'map') return { type: 'object', additionalProperties: one, ...extensions };
  // Beside a reference nothing else counts, so what is to be said stands around it.
  return '$ref' in one && Object.keys(extensions).length > 0 ? { allOf: [one], ...extensions } : { ...one, ...extensions };
}

function applyExtensions({ holds, apply, keyDefault }: Field): OpenApiSchema {
  if (keyDefault !== undefined) return { default: keyDefault };
  if (holds === 'list') {
    const keys = Array.isArray(apply) ? apply : undefined;
    return keys ? { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': keys } : { 'x-kubernetes-list-type': apply };
  }
  return apply === 'atomic' ? { 'x-kubernetes-map-type': 'atomic' } : {};
}

function patchExtensions({ mergeKey, retainKeys, replaced }: Field): OpenApiSchema {
  const strategy = [mergeKey !== undefined && 'merge', retainKeys && 'retainKeys', replaced && 'replace'].filter(Boolean).join(',');
  return {
    ...(mergeKey && { 'x-kubernetes-patch-merge-key': mergeKey }),
    ...(strategy && { 'x-kubernetes-patch-strategy': strategy }),
  };
}

const reference = (name: string): OpenApiSchema => ({ $ref: `#/components/schemas/${name}` });

function valueSchema({ scalar, message }: Field): OpenApiSchema {
  if (message) return reference(nameOf(message));
  const wrapped = scalar && wrappers[scalar];
  return wrapped ? reference(wrapped.name) : ((scalar && plain[scalar]) ?? {});
}

const plain: Partial<Record<Scalar, OpenApiSchema>> = {
  string: { type: 'string' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  bool: { type: 'boolean' },
  double: { type: 'number', format: 'double' },
  bytes: { type: 'string', format: 'byte' },
  strings: { type: 'array', items: { type: 'string' } },
};

// Types that are a plain value in JSON but have a name of their own.
const wrappers: Partial<Record<Scalar, { name: string; schema: OpenApiSchema }>> = {
  time: { name: 'io.k8s.apimachinery.pkg.apis.meta.v1.Time', schema: { type: 'string', format: 'date-time' } },
  microtime: { name: 'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime', schema: { type: 'string', format: 'date-time' } },
  quantity: { name: 'io.k8s.apimachinery.pkg.api.resource.Quantity', schema: { oneOf: [{ type: 'string' }, { type: 'number' }] } },
  intstr: {
    name: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
    schema: { oneOf: [{ type: 'integer' }, { type: 'string' }], format: 'int-or-string' },
  },
  fields: { name: 'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1', schema: { type: 'object' } },
  raw: { name: 'io.k8s.apimachinery.pkg.runtime.RawExtension', schema: { type: 'object' } },
};
