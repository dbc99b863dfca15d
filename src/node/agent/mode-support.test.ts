import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Machine, whyNoMode } from './mode-support.ts';

const able: Machine = { kernel: '6.1.0-18-amd64', troubleWith: async () => undefined, troubleWithKernel: () => undefined };
const without = (...missing: string[]): Machine => ({ ...able, troubleWith: async (program) => (missing.includes(program) ? `${program} is not installed` : undefined) });

const rows: [about: string, mode: 'nftables' | 'iptables', machine: Machine, why: RegExp | undefined][] = [
  ['PROXY-05: a machine that has all', 'nftables', able, undefined],
  ['PROXY-05: nftables without nft', 'nftables', without('nft'), /^proxy mode nftables cannot be served here: nft is not installed$/],
  ['PROXY-05: nftables needs no iptables', 'nftables', without('iptables-restore'), undefined],
  ['PROXY-05: iptables without ip6tables', 'iptables', without('ip6tables-restore'), /^proxy mode iptables cannot be served here: ip6tables-restore is not installed$/],
  ['PROXY-05: a kernel without nf_tables', 'nftables', { ...able, troubleWithKernel: () => 'EPROTONOSUPPORT' }, /the kernel refuses nf_tables: EPROTONOSUPPORT$/],
  ['PROXY-75: an old kernel', 'nftables', { ...able, kernel: '5.12.19' }, /needs Linux 5\.13, and this is 5\.12\.19; --skip-kernel-check/],
  ['PROXY-75: a much older one', 'nftables', { ...able, kernel: '4.19.0-26-amd64' }, /needs Linux 5\.13/],
  ['PROXY-75: the oldest that will do', 'nftables', { ...able, kernel: '5.13.0' }, undefined],
];
for (const [about, mode, machine, why] of rows) {
  test(about, async () => {
    const said = await whyNoMode(mode, machine);
    if (why) assert.match(said ?? '', why);
    else assert.equal(said, undefined);
  });
}

test('PROXY-75: who asks for it may try an old kernel', async () => assert.equal(await whyNoMode('nftables', { ...able, kernel: '4.19.0' }, { skipsKernelCheck: true }), undefined));
