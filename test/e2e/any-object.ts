// Objects that nobody would write, of every kind we serve: their fields are those of the schema's table, their values
// sometimes right, sometimes of the right type, sometimes neither. For the fuzz tests.
import * as fc from 'fast-check';
import type { Kind } from '../../src/kube/kinds/kind.ts';
import { kinds } from '../../src/kube/kinds/kinds.ts';
import { type Field, type Message, messageOf } from '../../src/kube/schema/schema.ts';

/** Values that mean something somewhere: else validation would stop every object at its first word. */
const meant = fc.constantFrom<unknown>('a', 'web', 'default', 'TCP', 'UDP', 'ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName', 'None', 'Local', 'Cluster', 'IPv4', 'IPv6', 'SingleStack', 'RequireDualStack', '10.96.0.9', '10.0.0.0/8', '2001:db8::1', 'fd00::/64', 'Prefix', 'Exact', '/', 'In', 'NotIn', 'Exists', 'Never', 'Always', 'v1', 'apps/v1', 'Pod', 'Service', 'object', 'string', 'array', 'integer', "self.a == 'a'", 'object.spec.x > 1', '.spec.a', '^a', 'http', '80', '25%', '100m', '1Gi', 'example.com', '*.example.com', 'get', 'watch', '*', 'kubernetes', 'rbac.authorization.k8s.io', 'Role', 'ClusterRole', 'User', '* * * * *', '0', '');
const odd = fc.oneof(fc.constantFrom<unknown>(null, 0, -1, 1e99, 2 ** 31, {}, [], [null], [{}], { a: null }, true, 'é\u0000', '__proto__', [[]], 'x'.repeat(300), '10.0.0.0/33', '::ffff:1.2.3.4'), fc.jsonValue({ maxDepth: 2 }));
const number = fc.constantFrom(0, 1, 80, 443, 30_080, 65_535, 65_536, -1, 2 ** 31 - 1);
const time = fc.constantFrom('2026-11-22T12:00:00Z', '2026-11-22T12:00:00.000001Z');
const text = fc.oneof({ weight: 8, arbitrary: meant.filter((one) => typeof one === 'string') }, fc.string({ maxLength: 5 }));
const key = fc.oneof(fc.constantFrom('a', 'app', 'k8s.io/x', 'kubernetes.io/service-name', '__proto__', ''), fc.string({ maxLength: 5 }));

const scalars: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  int32: number,
  int64: number,
  bool: fc.boolean(),
  double: fc.double(),
  bytes: fc.constantFrom('', 'YQ==', 'AAAA'),
  time,
  microtime: time,
  quantity: fc.constantFrom('1', '100m', '1Gi', '-1', '1e3', '0'),
  intstr: fc.oneof(number, text),
  strings: fc.array(text, { maxLength: 2 }),
};

const scalarOf = ({ scalar }: Field): fc.Arbitrary<unknown> => scalars[scalar ?? ''] ?? (scalar === 'string' ? text : fc.oneof(text, odd));

function valueOf(field: Field, depth: number): fc.Arbitrary<unknown> {
  const one = field.message ? fieldsOf(field.message, depth - 1) : scalarOf(field);
  const right = field.holds === 'list' ? fc.array(one, { maxLength: 3 }) : field.holds === 'map' ? fc.dictionary(key, one, { maxKeys: 2, noNullPrototype: true }) : one;
  return fc.oneof({ weight: 60, arbitrary: right }, { weight: 1, arbitrary: odd });
}

const few = 6;

function fieldsOf(message: Message, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const fields = Array.from(message.fields).filter(([, field]) => depth > 0 || !field.message);
  const chosen = fc.shuffledSubarray(fields, { maxLength: Math.min(fields.length, few) });
  return chosen.chain((some) => fc.record(Object.fromEntries(some.map(([name, field]) => [name, valueOf(field, depth)]))));
}

export interface AnyObject {
  readonly kind: Kind;
  readonly body: Record<string, unknown>;
}

/** Named `a`, unless its metadata say otherwise, so that writes meet what is there. */
export const anyObject: fc.Arbitrary<AnyObject> = fc.constantFrom(...kinds).chain((kind) => {
  const message = messageOf(kind.apiVersion, kind.kind) as Message;
  const metadata = message.fields.get('metadata')?.message as Message;
  // Two levels of emptiness in between hide most of what lies deep: `spec` is there more often than not.
  const top = fc.tuple(fieldsOf(message, 5), fc.option(fieldsOf(metadata, 3), { freq: 2, nil: undefined }), fc.option(specOf(message), { freq: 5, nil: undefined }));
  return top.map(([fields, more, spec]) => ({
    kind,
    body: { ...fields, ...(spec !== undefined && { spec }), apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name: 'a', ...more } },
  }));
});

function specOf(message: Message): fc.Arbitrary<unknown> {
  const field = message.fields.get('spec');
  return field?.message ? fieldsOf(field.message, 5) : fc.constant(undefined);
}

/** Where the kind's objects are. */
export function collectionPath({ apiVersion, plural, namespaced }: Kind): string {
  const group = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${group}${namespaced ? '/namespaces/default' : ''}/${plural}`;
}
