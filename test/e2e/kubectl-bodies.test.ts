// What the real kubectl writes: each command is sent to a server that only records the body,
// which must decode to the object meant and encode back to the very same bytes.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import test from 'node:test';
import { decodeProtobuf, encodeProtobuf, protobufType } from '../../src/kube/wire/protobuf.ts';

// A dispatching kubectl keeps its versions beside itself; 1.32 is the first that writes protobuf.
function findKubectl(): string | undefined {
  const found = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'kubectl')).find(existsSync);
  if (!found) return undefined;
  const versions = ['kubectl.1.32', 'kubectl.1.33'].map((name) => join(dirname(realpathSync(found)), name));
  return versions.find(existsSync) ?? found;
}

const kubectl = findKubectl();

interface Sent {
  path: string;
  type: string;
  body: Buffer;
}

/** Runs one kubectl command and returns the first body it posted. */
async function bodyOf(command: string): Promise<Sent> {
  let sent: Sent | undefined;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.method === 'POST') {
        sent ??= { path: request.url ?? '', type: request.headers['content-type'] ?? '', body: Buffer.concat(chunks) };
      }
      const [code, answer] = answerTo(request.method ?? '', request.url ?? '');
      response.writeHead(code, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const home = mkdtempSync(join(tmpdir(), 'kubectl-'));
  const { port } = server.address() as AddressInfo;
  const args = ['--server', `http://127.0.0.1:${port}`, ...command.split(' ')];
  // Its exit code says only that our answer was a refusal.
  await new Promise<void>((resolve) => execFile(kubectl ?? '', args, { env: { HOME: home } }, () => resolve()));
  server.close();
  rmSync(home, { recursive: true });
  assert.ok(sent, `kubectl ${command} posted nothing`);
  return sent;
}

const refusal = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'Forbidden', code: 403 };
const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', namespace: 'default' },
  spec: { selector: { matchLabels: { app: 'web' } }, template: { spec: { containers: [{ name: 'web' }] } } },
};
const deployments = { name: 'deployments', singularName: 'deployment', namespaced: true, kind: 'Deployment', verbs: ['get'] };
const scale = { ...deployments, name: 'deployments/scale', group: 'autoscaling', version: 'v1', kind: 'Scale' };
const apps = { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'apps/v1', resources: [deployments, scale] };
const version = { groupVersion: 'apps/v1', version: 'v1' };
const answers: Record<string, unknown> = {
  '/version': { major: '1', minor: '32', gitVersion: 'v1.32.0' },
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': { kind: 'APIGroupList', groups: [{ name: 'apps', versions: [version], preferredVersion: version }] },
  '/api/v1': { kind: 'APIResourceList', groupVersion: 'v1', resources: [] },
  '/apis/apps/v1': apps,
  '/apis/apps/v1/namespaces/default/deployments/web': deployment,
};

function answerTo(method: string, url: string): [number, unknown] {
  const found = method === 'GET' ? answers[url.split('?')[0] ?? ''] : undefined;
  return found ? [200, found] : [403, refusal];
}

const rows: [command: string, object: unknown][] = [
  ['create namespace shop', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }],
  [
    'create deployment web --image=nginx --replicas=3 --port=80',
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', labels: { app: 'web' } },
      spec: {
        replicas: 3,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: { containers: [{ name: 'nginx', image: 'nginx', ports: [{ containerPort: 80 }] }] },
        },
      },
    },
  ],
  [
    'create service nodeport web --tcp=80:8080 --node-port=30080',
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', labels: { app: 'web' } },
      spec: {
        ports: [{ name: '80-8080', protocol: 'TCP', port: 80, targetPort: 8080, nodePort: 30080 }],
        selector: { app: 'web' },
        type: 'NodePort',
      },
    },
  ],
  [
    'create service clusterip none --clusterip=None',
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'none', labels: { app: 'none' } },
      spec: { selector: { app: 'none' }, clusterIP: 'None', type: 'ClusterIP' },
    },
  ],
  [
    'create ingress web --class=fair --rule=shop.example/cart*=web:80,tls=cert',
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'web' },
      spec: {
        tls: [{ hosts: ['shop.example'], secretName: 'cert' }],
        rules: [
          {
            host: 'shop.example',
            http: { paths: [{ path: '/cart', backend: { service: { name: 'web', port: { number: 80 } } }, pathType: 'Prefix' }] },
          },
        ],
        ingressClassName: 'fair',
      },
    },
  ],
  [
    'create configmap settings --from-literal=colour=blue --from-literal=empty=',
    {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'settings' },
      data: { colour: 'blue', empty: '' },
    },
  ],
  [
    'create secret generic key --from-literal=word=fair',
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'key' },
      data: { word: 'ZmFpcg==' },
    },
  ],
  ['create serviceaccount robot', { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot' } }],
  [
    'create token robot --duration=1h --audience=me',
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences: ['me'], expirationSeconds: 3600 },
      status: { token: '' },
    },
  ],
  [
    'create job once --image=busybox -- date',
    {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'once' },
      spec: {
        template: {
          spec: { containers: [{ name: 'once', image: 'busybox', command: ['date'] }], restartPolicy: 'Never' },
        },
      },
    },
  ],
  [
    'autoscale deployment web --min=1 --max=4 --cpu-percent=50',
    {
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'web' },
      spec: {
        scaleTargetRef: { kind: 'Deployment', name: 'web', apiVersion: 'apps/v1' },
        minReplicas: 1,
        maxReplicas: 4,
        targetCPUUtilizationPercentage: 50,
      },
      status: { currentReplicas: 0, desiredReplicas: 0 },
    },
  ],
  [
    'create role reader --verb=get,list --resource=deployments',
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'reader' },
      rules: [{ verbs: ['get', 'list'], apiGroups: ['apps'], resources: ['deployments'] }],
    },
  ],
  ['auth can-i get deployments', undefined],
  ['auth whoami', { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }],
];

const withoutKubectl = kubectl ? false : 'no kubectl on PATH';
for (const [command, object] of rows) {
  const name = withoutKubectl ? `skipped, ${withoutKubectl}: kubectl ${command}` : `P0-4: the body of kubectl ${command} is read`;
  test(name, { skip: withoutKubectl }, async () => {
    const sent = await bodyOf(command);
    assert.equal(sent.type, protobufType);
    const decoded = decodeProtobuf(sent.body);
    if (object) assert.deepEqual(decoded, object);
    assert.deepEqual(Buffer.from(encodeProtobuf(decoded) ?? []).toString('latin1'), sent.body.toString('latin1'));
  });
}
