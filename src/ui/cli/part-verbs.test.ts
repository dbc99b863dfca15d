// What `fairlead proxy` makes of its options, without starting anything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Command, CommanderError } from 'commander';
import { addPartVerbs } from './part-verbs.ts';
import type { Parts, ProxySettings } from './parts.ts';

/** Parses and answers the settings that the proxy would be started with. Rejects with CommanderError. */
async function settingsFor(...flags: string[]): Promise<ProxySettings> {
  const asked = Promise.withResolvers<ProxySettings>();
  const startProxy: Parts['startProxy'] = async (settings) => {
    asked.resolve(settings);
    throw new Error('not started in a test');
  };
  const program = new Command('fairlead');
  addPartVerbs(program, { startProxy } as Parts);
  for (const command of [program, ...program.commands]) command.exitOverride().configureOutput({ writeErr: () => {} });
  const parsed = program.parseAsync(['proxy', '--kubeconfig', 'proxy.conf', '--node', 'a', ...flags], { from: 'user' });
  await Promise.race([parsed.catch((error: unknown) => (error instanceof CommanderError ? asked.reject(error) : undefined)), asked.promise]);
  return asked.promise;
}

test('PROXY-07, PROXY-08: what is not said is as kube-proxy has it', async () => {
  assert.deepEqual(await settingsFor(), {
    kubeconfig: 'proxy.conf',
    node: 'a',
    mode: 'nftables',
    clusterCIDRs: [],
    serviceCIDRs: [],
    nodePortAddresses: [],
    healthAt: { address: '0.0.0.0', port: 10_256 },
    metricsAt: { address: '127.0.0.1', port: 10_249 },
    syncPeriodMs: 30_000,
    minSyncPeriodMs: 0,
    policies: false,
    skipsKernelCheck: false,
    conntrack: { maxPerCore: 32_768, min: 131_072, tcpEstablishedSeconds: 86_400, tcpCloseWaitSeconds: 3600 },
  });
});

const taken: [about: string, flags: string[], holds: Partial<ProxySettings>][] = [
  ['KPX-28: the mode can be chosen', ['--proxy-mode', 'iptables'], { mode: 'iptables' }],
  ['PROXY-09: cluster ranges may be one of each family', ['--cluster-cidr', '10.244.0.0/16,fd00:10:244::/56'], { clusterCIDRs: ['10.244.0.0/16', 'fd00:10:244::/56'] }],
  ['PROXY-10: a least time between changes', ['--min-sync-period', '1s'], { minSyncPeriodMs: 1000 }],
  ['PROXY-40: node ports on the primary addresses', ['--nodeport-addresses', 'primary'], { nodePortAddresses: ['primary'] }],
  ['PROXY-42: everybody is masqueraded', ['--masquerade-all'], { keepsSourceOf: 'nobody' }],
  ['PROXY-14: pods are those of the cluster’s ranges', ['--detect-local-mode', 'ClusterCIDR'], { keepsSourceOf: 'cluster pods' }],
  ['PROXY-14: or those of the node’s range', ['--detect-local-mode', 'NodeCIDR'], { keepsSourceOf: undefined }],
  ['PROXY-09: a sync period', ['--sync-period', '1m30s'], { syncPeriodMs: 90_000 }],
  ['PROXY-08: limits of 0 leave the machine’s', ['--conntrack-max-per-core', '0', '--conntrack-tcp-timeout-established', '0'], { conntrack: { maxPerCore: 0, min: 131_072, tcpEstablishedSeconds: 0, tcpCloseWaitSeconds: 3600 } }],
];
for (const [about, flags, holds] of taken) {
  test(about, async () => {
    const settings = await settingsFor(...flags);
    for (const key of Object.keys(holds) as (keyof ProxySettings)[]) assert.deepEqual(settings[key], holds[key]);
  });
}

const refused: [about: string, flags: string[], said: RegExp][] = [
  ['PROXY-03: ipvs, which decision 8 leaves out', ['--proxy-mode', 'ipvs'], /'ipvs' is invalid\. Allowed choices are nftables, iptables/],
  ['PROXY-04: userspace, which is no more', ['--proxy-mode', 'userspace'], /'userspace' is invalid\. Allowed choices are nftables, iptables/],
  ['PROXY-03: a mode that never was', ['--proxy-mode', 'foo'], /'foo' is invalid\. Allowed choices are nftables, iptables/],
  ['PROXY-14: pods told by a bridge, which there need not be', ['--detect-local-mode', 'BridgeInterface'], /Allowed choices are NodeCIDR, ClusterCIDR/],
  ['PROXY-09: a sync period of nothing', ['--sync-period', '0s'], /--sync-period.*must be a duration/],
  ['PROXY-09: a sync period without unit', ['--sync-period', '30'], /must be a duration/],
  ['PROXY-09: a sync period below nothing', ['--sync-period=-1s'], /must be a duration/],
  ['PROXY-09: a cluster range that is none', ['--cluster-cidr', '10.244.0.0/33'], /"10\.244\.0\.0\/33" is no address range/],
  ['PROXY-09: addresses of node ports that are none', ['--nodeport-addresses', 'eth0'], /"eth0" is no address range/],
  ['PROXY-09: a health port beyond the last', ['--healthz-bind-address', ':65536'], /must be ADDRESS:PORT/],
  ['PROXY-08: half a connection', ['--conntrack-min', '1.5'], /must be a whole number/],
];
for (const [about, flags, said] of refused) {
  test(`${about} is refused`, () => assert.rejects(settingsFor(...flags), said));
}
