import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConntrackLimits, planConntrack } from './conntrack-limits.ts';

const usual: ConntrackLimits = { maxPerCore: 32_768, min: 131_072, tcpEstablishedSeconds: 86_400, tcpCloseWaitSeconds: 3600 };
const machine: Readonly<Record<string, number>> = { max: 65_536, tcp_timeout_established: 432_000, tcp_timeout_close_wait: 60 };

const rows: [about: string, limits: Partial<ConntrackLimits>, cores: number, plan: Record<string, number>][] = [
  ['few cores get the minimum; timeouts are a day and an hour', {}, 2, { max: 131_072, tcp_timeout_established: 86_400, tcp_timeout_close_wait: 3600 }],
  ['many cores get so many each', {}, 8, { max: 262_144, tcp_timeout_established: 86_400, tcp_timeout_close_wait: 3600 }],
  ['0 leaves what there is', { maxPerCore: 0, tcpEstablishedSeconds: 0, tcpCloseWaitSeconds: 0 }, 8, {}],
  ['the maximum is never lowered', { maxPerCore: 1, min: 0, tcpEstablishedSeconds: 0, tcpCloseWaitSeconds: 0 }, 8, {}],
  ['what is so already is not written', { tcpEstablishedSeconds: 432_000, tcpCloseWaitSeconds: 60 }, 2, { max: 131_072 }],
];

for (const [about, limits, cores, plan] of rows) {
  test(`PROXY-08: ${about}`, () => {
    const planned = planConntrack({ ...usual, ...limits }, cores, (key) => machine[key.replace('net/netfilter/nf_conntrack_', '')]!);
    assert.deepEqual(Object.fromEntries([...planned].map(([key, wish]) => [key.replace('net/netfilter/nf_conntrack_', ''), wish])), plan);
  });
}
