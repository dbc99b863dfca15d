import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointSliceKind } from '../../kube/kinds/endpoint-slice.ts';
import type { Kind } from '../../kube/kinds/kind.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import { ApiError } from '../../kube/meaning/api-error.ts';
import { createApiTroubles, printTrouble } from './api-troubles.ts';

const server = 'https://10.0.0.1:6443';
const coded = (code: string, message: string) => Object.assign(new Error(message), { code });
const rows: [what: string, error: unknown, says: RegExp][] = [
  ['a missing right names the rule to add', new ApiError(403, 'Forbidden', 'no'), /may not read endpointslices \(403\): its role lacks the rule \{ apiGroups: \["discovery.k8s.io"\], resources: \[endpointslices\], verbs: \[list, watch\] \}$/],
  ['an unknown token', new ApiError(401, 'Unauthorized', 'Unauthorized'), /does not know who we are \(401\)/],
  ['a server without the kind', new ApiError(404, 'NotFound', 'no'), /serves no endpointslices of discovery.k8s.io\/v1/],
  ['a server in trouble', new ApiError(500, 'InternalError', 'etcd is away'), /refuses to show endpointslices: etcd is away \(500\)/],
  ['nobody listens', coded('ECONNREFUSED', 'connect ECONNREFUSED 10.0.0.1:6443'), /cannot be reached: connect ECONNREFUSED 10.0.0.1:6443$/],
  ['all addresses of a name fail', Object.assign(new AggregateError([coded('ECONNREFUSED', 'connect ECONNREFUSED ::1:6443')], ''), { code: 'ECONNREFUSED' }), /cannot be reached: connect ECONNREFUSED ::1:6443$/],
  ['a foreign authority', coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify the first certificate'), /cannot be trusted: .*certificate-authority/],
  ['another name in the certificate', coded('ERR_TLS_CERT_ALTNAME_INVALID', 'IP is not in the list'), /cannot be trusted: .*tls-server-name/],
];
for (const [what, error, says] of rows) test(`what a part says of its API server: ${what}`, () => assert.match(printTrouble(server, endpointSliceKind, error), says));

test('the same trouble of several kinds is said once, another one too, and the end of the last', () => {
  const said: string[] = [];
  const troubles = createApiTroubles(server, { warn: (text: string) => void said.push(text.split(';')[0]!) } as never);
  const [services, slices] = [serviceKind, endpointSliceKind] as Kind<never>[] as Kind[];
  const away = coded('ECONNREFUSED', 'connect ECONNREFUSED');
  for (const kind of [services!, slices!, services!]) troubles.failed(kind, away);
  troubles.read(services!);
  troubles.failed(slices!, new ApiError(403, 'Forbidden', 'no'));
  assert.deepEqual([...troubles.now().keys()], ['endpointslices']);
  troubles.read(slices!);
  troubles.read(slices!);
  assert.deepEqual(said.map((text) => text.replace(server, 'S').slice(0, 30)), ['S cannot be reached: connect E', 'our account may not read endpo', 'S is read again']);
});
