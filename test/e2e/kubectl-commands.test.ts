// The commands of kubectl that need no running pod, each against a server of its own kind list.
// FAIRLEAD_KUBECTLS names further kubectl binaries (separated by colons); all of them run everything.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { kindOf } from '../../src/kube/kinds/kinds.ts';
import { type ApiUnderTest, kubectlPath, type Ran, startApi } from './api-under-test.ts';

const binaries = [kubectlPath, ...(process.env['FAIRLEAD_KUBECTLS'] ?? '').split(':').filter(Boolean)];

const manifest = `
apiVersion: v1
kind: Service
metadata: {name: web, labels: {app: web}}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: nginx, ports: [{containerPort: 8080}]}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  ingressClassName: main
  rules: [{host: a.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {}}]}]}
`;

const node = 'apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n';

/** Commands in order; each sees what those before it did. */
const commands: [command: string, expected: RegExp, input?: string][] = [
  ['version', /Server Version:.*v1\.32/],
  ['api-resources', /services\s+svc\s+v1\s+true\s+Service/],
  ['api-versions', /networking\.k8s\.io\/v1/],
  ['auth can-i create pods', /yes/],
  ['auth can-i --list', /\*\.\*/],
  ['create ns one', /namespace\/one created/],
  ['get ns one', /one\s+Active/],
  ['create configmap c1 --from-literal=a=b', /configmap\/c1 created/],
  ['get cm c1 -o jsonpath={.data.a}', /^b$/],
  ['create secret generic s1 --from-literal=a=b', /secret\/s1 created/],
  ['get secret s1 -o jsonpath={.data.a}', /^Yg==$/],
  ['create sa robot', /serviceaccount\/robot created/],
  ['create token robot', /^[\w-]+\.[\w-]+\.[\w-]+\n?$/],
  ['apply -f -', /service\/web created\ndeployment.apps\/web created\ningress.networking.k8s.io\/web created\nnetworkpolicy.networking.k8s.io\/web created/, manifest],
  ['apply -f -', /service\/web unchanged\ndeployment.apps\/web unchanged\ningress.networking.k8s.io\/web unchanged\nnetworkpolicy.networking.k8s.io\/web unchanged/, manifest],
  ['diff -f -', /^$/, manifest],
  ['apply -f - --dry-run=server', /service\/web unchanged \(server dry run\)/, manifest],
  ['apply -f - --server-side --force-conflicts', /service\/web serverside-applied/, manifest],
  ['apply -f - --server-side', /deployment.apps\/web serverside-applied/, manifest],
  ['get svc web', /web\s+ClusterIP\s+10\.96\.\d+\.\d+\s+<none>\s+80\/TCP/],
  ['get svc -A -o wide', /default\s+web\s+ClusterIP.*app=web/],
  ['get svc -l app=web -o name', /^service\/web\n$/],
  ['get svc --field-selector metadata.name=none', /No resources found/],
  ['get svc --sort-by=.metadata.name', /web/],
  ['get svc web --show-labels', /app=web/],
  ['get svc web --server-print=false', /web\s+\d+s/],
  ['get svc web -o custom-columns=N:.metadata.name', /N\nweb/],
  ['get deploy web', /web\s+0\/2\s+0\s+0/],
  ['get deploy web --subresource=scale', /web\s+2\s+0/],
  ['get deploy web --subresource=status', /web\s+0\/2/],
  ['get ing', /web\s+main\s+a\.example\s+80/],
  ['get netpol', /web\s+app=web/],
  ['get all', /service\/web[^]*deployment\.apps\/web/],
  ['describe svc web', /Selector:\s+app=web[^]*TargetPort:\s+8080\/TCP/],
  ['describe deploy web', /Replicas:\s+2 desired/],
  ['describe ing web', /a\.example[^]*web:80/],
  ['describe netpol web', /PodSelector:\s+app=web/],
  ['describe ns one', /Status:\s+Active/],
  ['scale deploy web --replicas=5', /deployment.apps\/web scaled/],
  ['scale deploy web --replicas=3 --current-replicas=5', /deployment.apps\/web scaled/],
  ['get deploy web -o jsonpath={.spec.replicas}', /^3$/],
  ['set image deploy/web c=nginx:2', /deployment.apps\/web image updated/],
  ['set env deploy/web A=b', /deployment.apps\/web env updated/],
  ['rollout pause deploy web', /deployment.apps\/web paused/],
  ['rollout resume deploy web', /deployment.apps\/web resumed/],
  ['rollout restart deploy web', /deployment.apps\/web restarted/],
  ['expose deploy web --name=second --port=81', /service\/second exposed/],
  ['run lone --image=nginx', /pod\/lone created/],
  ['get pod lone', /lone\s+0\/1\s+Pending/],
  ['describe pod lone', /Service Account:\s+default/],
  ['label svc web tier=front', /service\/web labeled/],
  ['annotate svc web note=x', /service\/web annotate/],
  ['patch svc web -p {"spec":{"ports":[{"port":80,"targetPort":81}]}}', /service\/web patched/],
  ['get svc web -o jsonpath={.spec.ports[*].targetPort}', /^81$/],
  ['patch svc web --type=merge -p {"metadata":{"labels":{"x":"y"}}}', /service\/web patched/],
  ['patch svc web --type=json -p [{"op":"remove","path":"/metadata/labels/x"}]', /service\/web patched/],
  ['patch deploy web --subresource=scale --type=merge -p {"spec":{"replicas":1}}', /web patched/],
  ['create deployment made --image=nginx', /deployment.apps\/made created/],
  ['create service clusterip made --tcp=80', /service\/made created/],
  ['create ingress made --rule=b.example/*=made:80', /ingress.networking.k8s.io\/made created/],
  ['create -f -', /node\/n1 created/, node],
  ['get node n1', /n1\s+(Unknown|NotReady)/],
  ['describe node n1', /Name:\s+n1/],
  ['taint node n1 a=b:NoSchedule', /node\/n1 tainted/],
  ['cordon n1', /node\/n1 cordoned/],
  ['drain n1 --ignore-daemonsets', /node\/n1 drained/],
  ['uncordon n1', /node\/n1 uncordoned/],
  ['events', /No events found/],
  ['wait --for=jsonpath={.metadata.name}=web svc/web --timeout=5s', /service\/web condition met/],
  ['cluster-info', /Kubernetes control plane/],
  ['get --raw /readyz', /^ok$/],
  ['delete pod lone --wait', /pod "lone" deleted/],
  ['delete svc second', /service "second" deleted/],
  ['delete deploy,svc,ing made', /service "made" deleted/],
  ['delete cm --all', /configmap "c1" deleted/],
  ['delete -f - --ignore-not-found', /networkpolicy.networking.k8s.io "web" deleted/, manifest],
  ['delete node n1', /node "n1" deleted/],
];

const refusals: [command: string, expected: RegExp, input?: string][] = [
  ['get svc nope', /Error from server \(NotFound\): services "nope" not found/],
  ['create ns default', /Error from server \(AlreadyExists\): namespaces "default" already exists/],
  ['create cm x -n nons', /namespaces "nons" not found/],
  ['delete ns default', /Error from server \(Forbidden\): namespaces "default" is forbidden: this namespace may not be deleted/],
  ['get widgets', /the server doesn't have a resource type "widgets"/],
  ['apply -f -', /strict decoding error: unknown field "spec\.prts"/, 'apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {prts: [], ports: [{port: 1}]}'],
  ['create -f -', /The Service "x" is invalid: spec\.ports: Required value/, 'apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {}'],
  ['top pods', /Metrics API not available/],
];

for (const binary of binaries) {
  describe(binary.split('/').at(-1)!, () => {
    let api: ApiUnderTest;
    before(async () => {
      api = await startApi();
    });
    after(() => api.close());

    const run = (command: string, input?: string): Promise<Ran> => api.kubectlAs(binary, command.split(' '), input);

    for (const [command, expected, input] of commands) {
      test(`kubectl ${command}`, async () => {
        const ran = await run(command, input);
        assert.match(ran.out + ran.err, expected);
        assert.equal(ran.code, 0, ran.err);
      });
    }

    for (const [command, expected, input] of refusals) {
      test(`kubectl ${command} is refused`, async () => {
        const ran = await run(command, input);
        assert.notEqual(ran.code, 0);
        assert.match(ran.err, expected);
      });
    }

    test('kubectl edit changes an object through an editor', async () => {
      await run('create cm edited --from-literal=a=old');
      const editor = join(api.folder, 'editor');
      await writeFile(editor, '#!/bin/sh\nsed -i s/old/new/ "$1"\n', { mode: 0o755 });
      const env = { ...process.env, HOME: api.folder, KUBECONFIG: api.kubeconfig, EDITOR: editor };
      const child = spawn(binary, ['edit', 'cm', 'edited'], { env, stdio: 'ignore' });
      assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 0);
      assert.equal((await run('get cm edited -o jsonpath={.data.a}')).out, 'new');
    });

    test('kubectl replace, also by force', async () => {
      const body = (value: string) => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'edited' }, data: { a: value } });
      assert.match((await run('replace -f -', body('r'))).out, /configmap\/edited replaced/);
      assert.match((await run('replace --force -f -', body('f'))).out, /configmap\/edited replaced/);
      assert.equal((await run('get cm edited -o jsonpath={.data.a}')).out, 'f');
    });

    test('kubectl get --watch shows rows as they change', async () => {
      const env = { ...process.env, HOME: api.folder, KUBECONFIG: api.kubeconfig };
      const child = spawn(binary, ['get', 'cm', '-w', '--output-watch-events'], { env });
      let out = '';
      const said = (word: string) =>
        new Promise<void>((resolve) => {
          const check = () => out.includes(word) && resolve();
          child.stdout.on('data', check);
          check();
        });
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      await run('create cm watched');
      await said('watched');
      await run('delete cm watched');
      await said('DELETED');
      child.kill();
      assert.match(out, /EVENT\s+NAME\s+DATA\s+AGE\n/);
    });

    test('kubectl wait ends by its own time although nothing happens', async () => {
      const ran = await run('wait --for=condition=Ready cm/edited --timeout=1s');
      assert.match(ran.err, /timed out waiting for the condition/);
    });

    test('kubectl delete waits for finalizers', async () => {
      await run('create -f -', JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'held', finalizers: ['a.b/c'] } }));
      const deleting = run('delete cm held');
      const revision = api.store.snapshot().revision;
      for await (const { object } of api.store.watch([kindOf('v1', 'ConfigMap')!], revision, AbortSignal.timeout(20_000))) {
        if (object.metadata.deletionTimestamp) break;
      }
      await run('patch cm held --type=merge -p {"metadata":{"finalizers":null}}');
      assert.match((await deleting).out, /configmap "held" deleted/);
    });
  });
}
