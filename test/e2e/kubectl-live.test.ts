// What people do with kubectl to things that run: looked into, entered, copied to, forwarded, rolled, drained. By three kubectls.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { eventually, forget, manifest, readManifest, run, startCluster, type RunningCluster } from './running-cluster.ts';
import { podIn, type PodView, readyPods, systemReady } from './workloads.ts';

const versions = ['1.29', '1.32', '1.33'] as const;
const file = (name: string) => manifest(`kubectl/${name}.yaml`);

let cluster: RunningCluster;

before(async () => {
  cluster = await startCluster('live', { config: file('cluster') });
  await systemReady(cluster);
});
after(async () => {
  await cluster.stop();
  forget(cluster);
});

/** The first capture of the pattern in what a process prints; it goes on running. */
function printed(child: ChildProcess, pattern: RegExp): Promise<string> {
  let said = '';
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer) => {
      said += chunk.toString();
      const match = pattern.exec(said);
      if (match) resolve(match[1] ?? match[0]);
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('exit', () => reject(new Error(`ended before it printed ${pattern}:\n${said}`)));
  });
}

for (const version of versions)
  describe(`kubectl ${version}`, () => {
    const namespace = `v${version.replace('.', '-')}`;
    const here = (args: string) => `-n ${namespace} ${args}`;
    const ok = (args: string, stdin?: string) => cluster.ok(here(args), { version, ...(stdin !== undefined && { stdin }) });
    const kubectl = (args: string, stdin?: string) => cluster.kubectl(here(args), { version, ...(stdin !== undefined && { stdin }) });
    const program = process.env[`FAIRLEAD_KUBECTL_${version.replace('.', '_')}`] ?? 'kubectl';
    const background = (args: string) => spawn(program, here(args).split(' '), { env: { ...process.env, KUBECONFIG: cluster.kubeconfig, HOME: cluster.data } });
    const webPods = (count: number) => readyPods(cluster, here('-l app=web'), count);

    before(async () => {
      await cluster.ok(`create namespace ${namespace}`, { version });
      await ok(`apply -f ${file('web')} -f ${file('config')} -f ${file('programs')}`);
      await ok('rollout status deployment/web --timeout=30s');
      await ok('wait --for=condition=Ready pod --all --timeout=30s');
    });
    after(() => cluster.ok(`delete namespace ${namespace}`, { version }));

    test('logs: whole, the last lines, followed as it grows, by Deployment', async () => {
      const lines = ['line 1', 'line 2', 'line 3', 'line 4', 'line 5', 'wrong'];
      const whole = await eventually('six lines', () => ok('logs counter'), (text) => text.trim().split('\n').length === 6);
      assert.deepEqual(whole.trim().split('\n').toSorted(), lines.toSorted());
      assert.equal((await ok('logs counter --tail=2')).trim().split('\n').length, 2);
      assert.match(await ok('logs counter --timestamps --tail=1'), /^\d{4}-\d\d-\d\dT[\d:.]+Z /);
      const follow = background('logs -f deployment/web --tail=0');
      const heard = printed(follow, /GET \/from-the-log/);
      await eventually('it is heard', async () => {
        for (const { status } of await webPods(2)) await ok(`exec waiter -- curl -sS --max-time 2 http://${status.podIP}:8080/from-the-log`);
        return Promise.race([heard, Promise.resolve('')]);
      }, Boolean);
      follow.kill();
    });

    test('exec: output, input, exit code, a Deployment’s pod', async () => {
      assert.equal(await ok('exec waiter -- echo a b'), 'a b\n');
      assert.equal(await ok('exec -i waiter -- cat', 'through and through'), 'through and through');
      assert.equal((await kubectl('exec waiter -- sh -c \'exit 7\'')).code, 7);
      assert.match(await ok('exec deployment/web -- hostname'), /^web-/);
      assert.match((await kubectl('exec waiter -- no-such-program')).stderr, /no-such-program/);
    });

    test('attach reaches the running program', async () => {
      const attach = background('attach -i parrot');
      const repeated = printed(attach, /polly/);
      await eventually('the parrot repeats', async () => {
        attach.stdin?.write('polly\n');
        return Promise.race([repeated, Promise.resolve('')]);
      }, Boolean);
      attach.kill();
    });

    test('cp carries a file into a pod and out again', async () => {
      const [from, to] = [join(cluster.data, `in-${version}`), join(cluster.data, `out-${version}`)];
      const content = Array.from({ length: 20_000 }, (_, line) => `line ${line}`).join('\n');
      writeFileSync(from, content);
      await ok(`cp ${from} waiter:/tmp/copied`);
      await ok(`cp waiter:/tmp/copied ${to}`);
      assert.equal(readFileSync(to, 'utf8'), content);
    });

    test('port-forward leads to a pod, a Deployment and a Service’s pod', async () => {
      for (const [target, port] of [['deployment/web', 8080], ['service/web', 80], [`pod/${(await webPods(2))[0]!.metadata.name}`, 8080]] as const) {
        const forward = background(`port-forward ${target} :${port}`);
        const local = await printed(forward, /127\.0\.0\.1:(\d+) ->/);
        const { stdout } = await run('curl', ['-sS', '--max-time', '3', `http://127.0.0.1:${local}/`]);
        assert.ok(podIn(stdout)?.startsWith(`${namespace}/web-`), `${target}: ${stdout}`);
        forward.kill();
      }
    });

    test('SVC-111: a Service exposed from another one has its selector, and the addresses asked for', async () => {
      assert.match(await ok('expose svc web --type=LoadBalancer --port=80 --target-port=8080 --external-ip=192.168.1.2 --name=web-lb'), /^service\/web-lb exposed/);
      const { spec } = JSON.parse(await ok('get service web-lb -o json')) as { spec: Record<string, unknown> };
      assert.deepEqual([spec['selector'], spec['externalIPs'], spec['type']], [{ app: 'web' }, ['192.168.1.2'], 'LoadBalancer']);
      const { stdout } = await eventually('the external address answers a node', () => cluster.inside('node1', 'curl -sS --max-time 2 http://192.168.1.2/'), (ran) => ran.code === 0);
      assert.ok(podIn(stdout)?.startsWith(`${namespace}/web-`), stdout);
    });

    test('SVC-112: describe tells all of a Service: type, families, addresses, ports, endpoints, policies, balancer, events', async () => {
      const described = async () => (await ok('describe service web-lb')).replaceAll(/ +/g, ' ');
      const text = await eventually('the balancer’s address and its events', described, (seen) => /EnsuredLoadBalancer/.test(seen) && /LoadBalancer Ingress: 1/.test(seen));
      const [one, two] = (await webPods(2)).map((pod) => pod.status.podIP!.replaceAll('.', '\\.')).toSorted();
      for (const line of [
        'Type: LoadBalancer', 'IP Family Policy: SingleStack', 'IP Families: IPv4', 'IP: 10\\.96\\.', 'IPs: 10\\.96\\.', 'External IPs: 192\\.168\\.1\\.2',
        'Port: <unset> 80/TCP', 'TargetPort: 8080/TCP', 'NodePort: <unset> 3\\d{4}/TCP', `Endpoints: (${one}:8080,${two}:8080|${two}:8080,${one}:8080)`,
        'Session Affinity: None', 'External Traffic Policy: Cluster', ...(version === '1.29' ? [] : ['Internal Traffic Policy: Cluster']), 'Normal EnsuredLoadBalancer .* Ensured load balancer',
      ]) assert.match(text, new RegExp(`^ ?${line}`, 'm'));
      await ok('delete service web-lb');
    });

    test('SVC-113: kubectl proxy leads to a Service by the name of its port; the path of old days is none', async () => {
      const proxy = background('proxy --port=0');
      const port = await printed(proxy, /127\.0\.0\.1:(\d+)/);
      const ask = async (path: string) => (await run('curl', ['-sS', '--max-time', '3', '-w', '\n%{http_code}', `http://127.0.0.1:${port}${path}`])).stdout;
      const service = JSON.parse(await ok('get service web -o json')) as { spec: { ports: { name?: string; port: number }[] } };
      const { name, port: number } = service.spec.ports[0]!;
      assert.ok(podIn(await ask(`/api/v1/namespaces/${namespace}/services/http:web:${name ?? number}/proxy/`))?.startsWith(`${namespace}/web-`));
      assert.match(await ask(`/api/v1/proxy/namespaces/${namespace}/services/web/`), /\n404$/);
      proxy.kill();
    });

    test('SVC-40: a Service without a selector has no pod to forward to', async () => {
      await ok('apply -f -', 'apiVersion: v1\nkind: Service\nmetadata: {name: far}\nspec: {ports: [{port: 80}]}');
      const { code, stderr } = await kubectl('port-forward service/far :80');
      assert.notEqual(code, 0);
      assert.match(stderr, /cannot attach to \*v1\.Service|invalid service|Service is defined without a selector/);
      const slice = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'far-1', labels: { 'kubernetes.io/service-name': 'far' } }, addressType: 'IPv4', endpoints: [{ addresses: [(await webPods(2))[0]!.status.podIP] }], ports: [{ name: '', port: 8080 }] };
      await ok('apply -f -', JSON.stringify(slice));
      assert.match((await kubectl(`get --raw /api/v1/namespaces/${namespace}/services/far/proxy/`)).stderr, /no endpoints available for service "far"/);
    });

    test('diff says what apply would change, and apply then leaves none', async () => {
      assert.equal((await kubectl(`diff -f ${file('web')}`)).code, 0);
      const changed = readManifest('kubectl/web.yaml').replace('web:1', 'web:2');
      const diff = await kubectl('diff -f -', changed);
      assert.equal(diff.code, 1);
      assert.match(diff.stdout, /^-.*web:1$[^]*^\+.*web:2$/m);
      assert.match(await ok('apply -f -', changed), /deployment\.apps\/web configured\nservice\/web unchanged/);
      assert.equal((await kubectl('diff -f -', changed)).code, 0);
    });

    test('SVC-09: a field that does not exist is refused; with --validate=warn it is told of and left out', async () => {
      const service = 'apiVersion: v1\nkind: Service\nmetadata: {name: odd}\nspec: {topologyKeys: [a], ports: [{port: 80}]}';
      assert.match((await kubectl('create -f -', service)).stderr, /strict decoding error: unknown field "spec.topologyKeys"/);
      const { code, stderr } = await kubectl('create --validate=warn -f -', service);
      assert.equal(code, 0);
      assert.match(stderr, /unknown field "spec.topologyKeys"/);
      assert.equal(await ok('get service odd -o jsonpath={.spec.topologyKeys}'), '');
    });

    test('rollout: status, history, undo, restart', async () => {
      await ok('rollout status deployment/web --timeout=30s');
      assert.deepEqual((await ok('rollout history deployment/web')).match(/^\d+/gm), ['1', '2']);
      assert.match(await ok('rollout undo deployment/web'), /rolled back/);
      await ok('rollout status deployment/web --timeout=30s');
      assert.equal(await ok('get deployment web -o jsonpath={.spec.template.spec.containers[0].image}'), 'web:1');
      assert.deepEqual((await ok('rollout history deployment/web')).match(/^\d+/gm), ['2', '3']);
      const old = await webPods(2);
      await ok('rollout restart deployment/web');
      await ok('rollout status deployment/web --timeout=30s');
      const now = await webPods(2);
      assert.ok(now.every((pod: PodView) => !old.some(({ metadata }) => metadata.uid === pod.metadata.uid)));
    });

    test('scale, and wait for what follows', async () => {
      await ok('scale deployment/web --replicas=4');
      await ok('wait deployment/web --for=jsonpath={.status.readyReplicas}=4 --timeout=30s');
      assert.notEqual((await kubectl('scale deployment/web --current-replicas=9 --replicas=1')).code, 0);
      const [one] = await webPods(4);
      await ok('scale deployment/web --replicas=2');
      await webPods(2);
      const victim = (await webPods(2)).find(({ metadata }) => metadata.uid !== one!.metadata.uid) ?? one!;
      const gone = ok(`wait pod/${victim.metadata.name} --for=delete --timeout=30s`);
      await ok(`delete pod ${victim.metadata.name} --wait=false`);
      await gone;
      assert.notEqual((await kubectl('wait pod/waiter --for=condition=Never --timeout=200ms')).code, 0);
    });

    test('drain empties a node and leaves it cordoned; uncordon opens it', async () => {
      const before = await webPods(2);
      const { nodeName } = before[0]!.spec;
      assert.match((await kubectl(`drain ${nodeName} --timeout=10s`)).stderr, /cannot delete/);
      // Pods without a controller (programs.yaml) go only by force.
      await ok(`drain ${nodeName} --ignore-daemonsets --force --delete-emptydir-data --timeout=60s`);
      const now = await webPods(2);
      assert.ok(now.every(({ spec }) => spec.nodeName !== nodeName));
      assert.match(await ok(`get node ${nodeName} --no-headers`), /Ready,SchedulingDisabled/);
      await ok(`uncordon ${nodeName}`);
      assert.match(await ok(`get node ${nodeName} --no-headers`), /\sReady\s/);
    });

    test('apply --prune takes away what is no longer among the manifests', async () => {
      await ok('get configmap settings');
      const pruned = await ok(`apply -f ${file('web')} --prune -l part=all --prune-allowlist=core/v1/ConfigMap --prune-allowlist=core/v1/Service`);
      assert.match(pruned, /configmap\/settings pruned/);
      assert.notEqual((await kubectl('get configmap settings')).code, 0);
      await ok('get service web');
    });

    test('run --rm: a pod that answers and is gone, be it asked by command or by arguments; its exit code is told', async () => {
      for (const [command, expected] of [["--command -- sh -c 'sleep 0.5; echo done here'", 0], ["-- sh -c 'echo done here; exit 3'", 3]] as const) {
        const { stdout, code } = await kubectl(`run once --rm -i --restart=Never --image=busybox ${command}`);
        assert.equal(code, expected);
        assert.match(stdout, /done here/);
        await eventually('it is gone', () => kubectl('get pod once'), (ran) => ran.code !== 0);
      }
      assert.match((await kubectl('run fed --rm -i --restart=Never --image=busybox -- cat', 'something said')).stdout, /something said/);
    });

    test('describe shows endpoints, events and the owner', async () => {
      const [pod] = await webPods(2);
      assert.match(await ok('describe service web'), new RegExp(`Endpoints:.*${pod!.status.podIP!.replaceAll('.', '\\.')}:8080`));
      assert.match(await ok(`describe pod ${pod!.metadata.name}`), /Controlled By:\s+ReplicaSet\/web-[^]*Started container web/);
      assert.match(await ok('describe deployment web'), /ScalingReplicaSet/);
      assert.match(await ok('describe node node2'), /PodCIDR:\s+10\.244\./);
    });
  });
