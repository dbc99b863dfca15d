// Custom resources as the real kubectl works with them, on the published Gateway API definitions.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ApiUnderTest, startApi } from './api-under-test.ts';
import { absent, channelFolder, channels, definitionsOf, gatewayApiFolder } from './gateway-api.ts';

const skip = gatewayApiFolder === undefined;
const group = 'gateway.networking.k8s.io';

async function withApi(work: (api: ApiUnderTest, run: (args: string, input?: unknown) => Promise<string>) => Promise<void>): Promise<void> {
  const api = await startApi();
  const run = async (args: string, input?: unknown) => {
    const ran = await api.kubectl(args, input === undefined ? undefined : JSON.stringify(input));
    assert.equal(ran.code, 0, `kubectl ${args}: ${ran.err}`);
    return ran.out + ran.err;
  };
  try {
    await work(api, run);
  } finally {
    await api.close();
  }
}

for (const channel of channels) {
  for (const command of ['apply --server-side -f', 'create -f']) {
    test(`P1-4: ${command} installs the ${channel} channel, which is established and listed at once${absent}`, { skip }, () =>
      withApi(async (api, run) => {
        await run(`${command} ${channelFolder(channel)}`);
        await run('wait --for=condition=Established --timeout=10s crd --all');
        const wanted = definitionsOf(channel).map(({ metadata }) => metadata.name).toSorted();
        const { json } = await api.call('GET', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions');
        assert.deepEqual(json.items.map((item: { metadata: { name: string } }) => item.metadata.name), wanted);
        for (const { status } of json.items) {
          const conditions = Object.fromEntries(status.conditions.map(({ type, reason }: { type: string; reason: string }) => [type, reason]));
          const isProtected = conditions.KubernetesAPIApprovalPolicyConformant;
          assert.deepEqual([conditions.NamesAccepted, conditions.Established], ['NoConflicts', 'InitialNamesAccepted']);
          assert.ok(isProtected === 'ApprovedAnnotation' || isProtected === undefined || isProtected === 'UnapprovedAnnotation', isProtected);
        }
        assert.match(await run(`api-resources --api-group=${group}`), /gateways +gtw +gateway\.networking\.k8s\.io\/v1 +true +Gateway/);
      }));
  }
}

const gateway = (name: string, spec: object = {}) => ({
  apiVersion: `${group}/v1`,
  kind: 'Gateway',
  metadata: { name },
  spec: { gatewayClassName: 'fair', listeners: [{ name: 'web', port: 80, protocol: 'HTTP' }], ...spec },
});

let api: ApiUnderTest | undefined;
const kubectl = async (args: string, input?: unknown) => {
  const ran = await api!.kubectl(args, input === undefined ? undefined : JSON.stringify(input));
  return { ...ran, all: ran.out + ran.err };
};
const good = async (args: string, input?: unknown): Promise<string> => {
  const { code, all } = await kubectl(args, input);
  assert.equal(code, 0, `kubectl ${args}: ${all}`);
  return all;
};

before(async () => {
  if (skip) return;
  api = await startApi();
  await good(`create -f ${channelFolder('standard')}`);
});
after(() => api?.close());

test(`explain reads the published schema${absent}`, { skip }, async () => {
  assert.match(await good('explain gateway.spec.listeners.port'), /FIELD: port <integer>/);
  assert.match(await good('explain httproute --api-version=gateway.networking.k8s.io/v1beta1'), /VERSION: +v1beta1/);
});

test(`get prints the columns of the definition, of both versions${absent}`, { skip }, async () => {
  await good('apply -f -', gateway('columns'));
  assert.match(await good('get gateways columns'), /^NAME +CLASS +ADDRESS +PROGRAMMED +AGE\ncolumns +fair +Unknown +\d+s/);
  assert.match(await good(`get gateways.v1beta1.${group} columns -o yaml`), /apiVersion: gateway\.networking\.k8s\.io\/v1beta1/);
  assert.match(await good('get gtw columns -o jsonpath={.spec.listeners[0].allowedRoutes}'), /"from":"Same"/);
});

test(`apply merges listeners by name, and another manager's listener stays${absent}`, { skip }, async () => {
  await good('apply --server-side --field-manager=one -f -', gateway('owned'));
  await good('apply --server-side --field-manager=two -f -', gateway('owned', { listeners: [{ name: 'other', port: 81, protocol: 'HTTP' }] }));
  assert.equal(await good('get gtw owned -o jsonpath={.spec.listeners[*].name}'), 'web other');
  const conflict = await kubectl('apply --server-side --field-manager=three -f -', gateway('owned', { listeners: [{ name: 'web', port: 82, protocol: 'HTTP' }] }));
  assert.match(conflict.all, /conflict with "one".*\.spec\.listeners\[name="web"\]\.port/s);
});

test(`what schema and rules forbid is refused in upstream's words${absent}`, { skip }, async () => {
  const refused = async (spec: object) => (await kubectl('apply -f -', gateway('refused', spec))).all;
  assert.match(await refused({ listeners: [] }), /spec\.listeners: Invalid value: 0: spec\.listeners in body should have at least 1 items/);
  assert.match(await refused({ listeners: [{ name: 'a', port: 70000, protocol: 'HTTP' }] }), /should be less than or equal to 65535/);
  assert.match(await refused({ listeners: [{ name: 'a', port: 80, protocol: 'HTTP' }, { name: 'b', port: 80, protocol: 'HTTP' }] }), /spec\.listeners: Invalid value: "array": Combination of port, protocol and hostname must be unique for each listener/);
  assert.match(await refused({ unknown: 1 }), /strict decoding error: unknown field "spec.unknown"/);
  assert.match(await refused({ gatewayClassName: undefined }), /spec\.gatewayClassName: Required value.*some validation rules were not checked/s);
});

test(`a rule about changes lets create and refuses the change${absent}`, { skip }, async () => {
  const gatewayClass = (controllerName: string) => ({ apiVersion: `${group}/v1`, kind: 'GatewayClass', metadata: { name: 'fair' }, spec: { controllerName } });
  await good('apply -f -', gatewayClass('fairlead.dev/one'));
  assert.match((await kubectl('apply -f -', gatewayClass('fairlead.dev/two'))).all, /spec\.controllerName: Invalid value: "string": Value is immutable/);
});

test(`status is a subresource: a plain write does not touch it, and it does not count as a generation${absent}`, { skip }, async () => {
  await good('apply -f -', gateway('status'));
  await good('patch gtw status --subresource=status --type=merge -p {"status":{"addresses":[{"value":"10.0.0.1"}]}}');
  assert.equal(await good('get gtw status -o jsonpath={.metadata.generation}/{.status.addresses[0].value}/{.status.addresses[0].type}'), '1/10.0.0.1/IPAddress');
  await good('apply -f -', gateway('status', { listeners: [{ name: 'web', port: 81, protocol: 'HTTP' }] }));
  assert.equal(await good('get gtw status -o jsonpath={.metadata.generation}/{.status.addresses[0].value}'), '2/10.0.0.1');
});

test(`strategic patches are for kinds that say how their lists merge${absent}`, { skip }, async () => {
  await good('apply -f -', gateway('patched'));
  const { code, json } = await api!.call('PATCH', `/apis/${group}/v1/namespaces/default/gateways/patched`, { body: {}, type: 'application/strategic-merge-patch+json' });
  assert.deepEqual([code, json.reason], [415, 'UnsupportedMediaType']);
  assert.match(json.message, /accepted media types include: application\/json-patch\+json, application\/merge-patch\+json, application\/apply-patch\+yaml$/);
});

test(`the bundle's policy keeps the experimental channel out${absent}`, { skip }, async () => {
  const { code, all } = await kubectl(`apply --server-side --force-conflicts -f ${channelFolder('experimental')}/gateway.networking.k8s.io_gateways.yaml`);
  assert.equal(code, 1);
  assert.match(all, /ValidatingAdmissionPolicy 'safe-upgrades\.gateway\.networking\.k8s\.io' with binding '[^']+' denied request: Installing experimental CRDs on top of standard channel CRDs is prohibited/);
});

test(`deleting a definition deletes its objects and takes the kind away${absent}`, { skip }, async () => {
  const route = { apiVersion: `${group}/v1`, kind: 'UDPRoute', metadata: { name: 'gone' }, spec: { rules: [{ backendRefs: [{ name: 'dns', port: 53 }] }] } };
  await good('apply -f -', route);
  await good(`delete crd udproutes.${group}`);
  assert.match((await kubectl('get udproutes')).all, /the server (doesn't have a resource type|could not find the requested resource)/);
  await good(`create -f ${channelFolder('standard')}/${group}_udproutes.yaml`);
  assert.match(await good('get udproutes'), /No resources found/);
});
