import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deepFreeze } from '../../base/data/freeze.ts';
import type { KubeObject } from '../../kube/objects/meta.ts';
import { snapshotOf, stateOf } from '../../kube/store/state.ts';
import type { NameRecord } from '../network-model.ts';
import { createNameCompiler, dashedAddress } from './compile-names.ts';
import { resolveName, type RecordType } from './resolve.ts';

const scope = { clusterDomain: 'cluster.local', podCIDRs: [], serviceCIDRs: [] };

const namespace = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
const service = (name: string, spec: object, annotations = {}): KubeObject => ({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'prod', annotations }, spec }) as KubeObject;
const slice = (of: string, name: string, body: object): KubeObject =>
  ({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', addressType: 'IPv4', ports: [], ...body, metadata: { name, namespace: 'prod', labels: { 'kubernetes.io/service-name': of } } }) as KubeObject;
const http = { name: 'http', protocol: 'TCP', port: 80 };
const pod = (name: string) => ({ targetRef: { kind: 'Pod', name, namespace: 'prod' } });

const objects = deepFreeze([
  namespace('prod'),
  namespace('empty'),
  service('data', { clusterIPs: ['10.96.0.7'], ports: [{ port: 5432 }] }),
  service('web', { clusterIPs: ['10.96.0.8', 'fd00::8'], ports: [http, { name: 'dns', protocol: 'UDP', port: 53 }] }),
  slice('web', 'web-a', { ports: [{ ...http, port: 8080 }], endpoints: [{ addresses: ['10.1.2.3'], ...pod('web-1') }] }),
  service('db', { clusterIP: 'None', clusterIPs: ['None'] }),
  slice('db', 'db-a', {
    ports: [http, { name: 'peer', protocol: 'TCP', port: 81 }],
    endpoints: [
      { addresses: ['10.1.0.1'], hostname: 'db-0', ...pod('db-0') },
      { addresses: ['10.1.0.2'], hostname: 'db-1', ...pod('db-1') },
      { addresses: ['10.1.0.3'], conditions: { ready: false }, hostname: 'db-2', ...pod('db-2') },
    ],
  }),
  slice('db', 'db-b', { ports: [http], endpoints: [{ addresses: ['10.1.0.1'], hostname: 'db-0', ...pod('db-0') }, { addresses: ['10.1.0.9'] }] }),
  service('early', { clusterIPs: ['None'], publishNotReadyAddresses: true }),
  slice('early', 'early-a', { endpoints: [{ addresses: ['10.1.0.4'], conditions: { ready: false } }] }),
  service('old', { clusterIPs: ['None'] }, { 'service.alpha.kubernetes.io/tolerate-unready-endpoints': 'true' }),
  slice('old', 'old-a', { endpoints: [{ addresses: ['10.1.0.5'], conditions: { ready: false } }] }),
  service('none', { clusterIPs: ['None'] }),
  service('out', { type: 'ExternalName', externalName: 'db.example.com' }),
  service('alias', { type: 'ExternalName', externalName: 'web.prod.svc.cluster.local' }),
  service('round', { type: 'ExternalName', externalName: 'about.prod.svc.cluster.local' }),
  service('about', { type: 'ExternalName', externalName: 'round.prod.svc.cluster.local.' }),
  service('literal', { type: 'ExternalName', externalName: '1.2.3.4' }),
]);
const compile = createNameCompiler(scope);
const directory = deepFreeze(compile(snapshotOf(stateOf(1, objects))));

function print(record: NameRecord): string {
  if ('address' in record) return `${record.type} ${record.address}`;
  if (record.type === 'SRV') return `SRV ${record.priority} ${record.weight} ${record.port} ${record.target}`;
  if (record.type === 'TXT') return `TXT ${record.text}`;
  if (record.type === 'SOA') return `SOA ${record.primary} ${record.mailbox}`;
  return `${record.type} ${record.target}`;
}
const ask = (question: string): string => {
  const [name, type = 'A'] = question.split(' ') as [string, RecordType];
  const { outcome, records } = resolveName(directory, name, type);
  return outcome === 'found' ? records.map(print).join(', ') : outcome;
};

const d = 'cluster.local';
const rows: [id: string, question: string, answer: string][] = [
  ['DNS-03 a Service has the address of its cluster IP', `data.prod.svc.${d}`, 'A 10.96.0.7'],
  ['DNS-05 the schema version is told', `dns-version.${d} TXT`, 'TXT 1.1.0'],
  ['DNS-06 the apex holds no address', d, 'noData'],
  ['DNS-06 svc alone holds nothing', `svc.${d}`, 'noData'],
  ['DNS-06 any other single label does not exist', `nope.${d}`, 'noSuchName'],
  ['DNS-07 a namespace exists but holds nothing', `empty.svc.${d}`, 'noData'],
  ['DNS-07 an unknown namespace does not exist', `nope.svc.${d}`, 'noSuchName'],
  ['DNS-08 three labels left of a Service do not exist', `a.b.c.web.prod.svc.${d}`, 'noSuchName'],
  ['DNS-10 a family that the Service lacks is no data', `data.prod.svc.${d} AAAA`, 'noData'],
  ['DNS-12 a named port has an SRV record', `_http._tcp.web.prod.svc.${d} SRV`, 'SRV 0 100 80 web.prod.svc.cluster.local'],
  ['DNS-13 an unnamed port has none', `_x._tcp.data.prod.svc.${d} SRV`, 'noSuchName'],
  ['DNS-14 the protocol must be right', `_http._udp.web.prod.svc.${d} SRV`, 'noSuchName'],
  ['DNS-17 SRV of the Service lists every port', `web.prod.svc.${d} SRV`, 'SRV 0 50 80 web.prod.svc.cluster.local, SRV 0 50 53 web.prod.svc.cluster.local'],
  ['DNS-18 PTR of a cluster IP', '7.0.96.10.in-addr.arpa PTR', 'PTR data.prod.svc.cluster.local'],
  ['DNS-19 PTR of an IPv6 cluster IP', '8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.d.f.ip6.arpa PTR', 'PTR web.prod.svc.cluster.local'],
  ['DNS-20 dual stack answers AAAA too', `web.prod.svc.${d} AAAA`, 'AAAA fd00::8'],
  ['DNS-22 another type of an existing name is no data', `web.prod.svc.${d} TXT`, 'noData'],
  ['DNS-24 DNS-39 a headless Service has every ready endpoint once', `db.prod.svc.${d}`, 'A 10.1.0.9, A 10.1.0.1, A 10.1.0.2'],
  ['DNS-25 without ready endpoints it does not exist', `none.prod.svc.${d}`, 'noSuchName'],
  ['DNS-26 IPv6 asked of IPv4 endpoints is no data', `db.prod.svc.${d} AAAA`, 'noData'],
  ['DNS-27 publishNotReadyAddresses publishes all', `early.prod.svc.${d}`, 'A 10.1.0.4'],
  ['DNS-27 so does the old annotation', `old.prod.svc.${d}`, 'A 10.1.0.5'],
  ['DNS-31 an endpoint has its hostname', `db-1.db.prod.svc.${d}`, 'A 10.1.0.2'],
  ['DNS-27 DNS-44 an unready one has none', `db-2.db.prod.svc.${d}`, 'noSuchName'],
  ['DNS-32 without hostname the address names it', `10-1-0-9.db.prod.svc.${d}`, 'A 10.1.0.9'],
  ['DNS-35 PTR of a headless endpoint', '1.0.1.10.in-addr.arpa PTR', 'PTR db-0.db.prod.svc.cluster.local'],
  ['DNS-36 an address nobody has falls through', '99.0.1.10.in-addr.arpa PTR', 'notOurs'],
  ['DNS-37 endpoints answer below a cluster IP too', `10-1-2-3.web.prod.svc.${d}`, 'A 10.1.2.3'],
  ['DNS-40 pod records are off', `172-17-0-3.prod.pod.${d}`, 'noSuchName'],
  ['DNS-46 DNS-47 an external name is a CNAME', `out.prod.svc.${d}`, 'CNAME db.example.com'],
  ['DNS-48 a target inside the zone is followed', `alias.prod.svc.${d}`, 'CNAME web.prod.svc.cluster.local, A 10.96.0.8'],
  ['DNS-48 a loop ends', `round.prod.svc.${d}`, 'CNAME about.prod.svc.cluster.local, CNAME round.prod.svc.cluster.local'],
  ['DNS-49 an external name that is an address does not exist', `literal.prod.svc.${d}`, 'noSuchName'],
  ['DNS-50 nothing lies below an external name', `_http._tcp.out.prod.svc.${d} SRV`, 'noSuchName'],
  ['DNS-52 the start of authority', `${d} SOA`, 'SOA ns.dns.cluster.local hostmaster.cluster.local'],
  ['DNS-53 the name server', `${d} NS`, 'NS ns.dns.cluster.local'],
  ['DNS-56 names outside are for another server', 'www.example.com', 'notOurs'],
];
for (const [id, question, answer] of rows) test(`${id}: ${question}`, () => assert.equal(ask(question), answer));

test('DNS-29 SRV of a headless port lists every endpoint that has it', () => {
  const { records, additional } = resolveName(directory, `_http._tcp.db.prod.svc.${d}`, 'SRV');
  assert.deepEqual(records.map(print), ['9', '1', '2'].map((_, i) => `SRV 0 33 80 ${['10-1-0-9', 'db-0', 'db-1'][i]}.db.prod.svc.cluster.local`));
  assert.deepEqual(additional.map(print), ['A 10.1.0.9', 'A 10.1.0.1', 'A 10.1.0.2'], 'DNS-15: their addresses ride along');
});

test('DNS-32 a label never ends with a dash', () => assert.equal(dashedAddress('2001:db8::'), '2001-db8--0'));

test('every record names the object behind it', () => {
  const { records } = resolveName(directory, `db-0.db.prod.svc.${d}`, 'A');
  assert.deepEqual(records.map((record) => record.origin), [{ kind: 'Pod', namespace: 'prod', name: 'db-0' }]);
});

test('one changed Service leaves all other entries the same objects', () => {
  const changed = objects.map((object) => (object.metadata.name === 'data' ? service('data', { clusterIPs: ['10.96.0.77'] }) : object));
  const next = compile(snapshotOf(stateOf(2, changed)));
  assert.notEqual(next.services.get('prod/data'), directory.services.get('prod/data'));
  for (const [key, named] of next.services) if (key !== 'prod/data') assert.equal(named, directory.services.get(key), key);
});
