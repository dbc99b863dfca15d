// helm against a whole cluster: a chart made here is installed, upgraded, rolled back and deleted.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { forget, type Ran, run, type RunningCluster, startCluster } from './running-cluster.ts';

const helm = process.env['FAIRLEAD_HELM'] ?? '';
const absent = helm === '' ? ' (skipped: helm is not here; npm run test:kubectls brings it)' : '';
const options = { skip: absent !== '' };

const files: Readonly<Record<string, string>> = {
  'Chart.yaml': 'apiVersion: v2\nname: greeter\nversion: 0.1.0\n',
  'values.yaml': 'replicas: 1\ngreeting: hello\n',
  'templates/all.yaml': `
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-words}
data: {greeting: {{ .Values.greeting | quote }}}
---
apiVersion: v1
kind: Service
metadata: {name: {{ .Release.Name }}}
spec: {selector: {app: {{ .Release.Name }}}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec: {containers: [{name: web, image: echo, ports: [{containerPort: 8080}]}]}
---
{{- if .Capabilities.APIVersions.Has "networking.k8s.io/v1/Ingress" }}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: {{ .Release.Name }}}
spec: {rules: [{host: {{ .Release.Name }}.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: {{ .Release.Name }}, port: {number: 80}}}}]}}]}
{{- end }}
`,
  'templates/hook.yaml': `
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-before, annotations: {"helm.sh/hook": "pre-install,pre-upgrade", "helm.sh/hook-delete-policy": before-hook-creation}}
data: {revision: {{ .Release.Revision | quote }}}
`,
};

let cluster: RunningCluster;
let chart: string;

before(async () => {
  if (absent) return;
  chart = mkdtempSync(join(tmpdir(), 'fairlead-chart-'));
  mkdirSync(join(chart, 'templates'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(chart, name), text);
  cluster = await startCluster('helm', { args: ['--nodes', '1'] });
});
after(async () => {
  if (absent) return;
  await cluster?.stop();
  if (cluster) forget(cluster);
  rmSync(chart, { recursive: true });
});

async function helmOk(...args: string[]): Promise<Ran> {
  const ran = await run(helm, args, { env: { KUBECONFIG: cluster.kubeconfig, HOME: cluster.data } });
  assert.equal(ran.code, 0, `helm ${args.join(' ')}: ${ran.stdout}${ran.stderr}`);
  return ran;
}

const replicas = async () => (await cluster.get<{ status: { readyReplicas: number } }>('deployment web')).status.readyReplicas;
const greeting = async () => (await cluster.get<{ data: { greeting: string } }>('configmap web-words')).data.greeting;

test(`helm installs a chart and waits until it runs${absent}`, options, async () => {
  const { stdout } = await helmOk('install', 'web', chart, '--wait', '--timeout', '60s');
  assert.match(stdout, /STATUS: deployed/);
  assert.deepEqual([await replicas(), await greeting()], [1, 'hello']);
  assert.match(await cluster.ok('get ingress web'), /web\.example/);
});

test(`an upgrade changes what the values say, and runs the hooks again${absent}`, options, async () => {
  await helmOk('upgrade', 'web', chart, '--set', 'replicas=2,greeting=salut', '--wait', '--timeout', '60s');
  assert.deepEqual([await replicas(), await greeting()], [2, 'salut']);
  assert.equal((await cluster.get<{ data: { revision: string } }>('configmap web-before')).data.revision, '2');
});

test(`a roll-back restores the first revision${absent}`, options, async () => {
  await helmOk('rollback', 'web', '1', '--wait', '--timeout', '60s');
  assert.equal(await greeting(), 'hello');
  const { stdout } = await helmOk('history', 'web', '-o', 'json');
  assert.deepEqual((JSON.parse(stdout) as { revision: number; status: string }[]).map(({ status }) => status), ['superseded', 'superseded', 'deployed']);
});

test(`what was installed is listed, and told to the letter${absent}`, options, async () => {
  assert.match((await helmOk('list')).stdout, /web\s+default\s+3/);
  assert.match((await helmOk('get', 'manifest', 'web')).stdout, /greeting: "hello"/);
  assert.match((await helmOk('status', 'web')).stdout, /STATUS: deployed\nREVISION: 3/);
});

test(`a delete takes everything along${absent}`, options, async () => {
  await helmOk('uninstall', 'web', '--wait', '--timeout', '60s');
  const left = await cluster.ok('get deployment,service,configmap,ingress -o name');
  assert.doesNotMatch(left, /\/web(-words)?$/m);
  assert.match((await helmOk('list', '-o', 'json')).stdout, /^\[\]/);
});
