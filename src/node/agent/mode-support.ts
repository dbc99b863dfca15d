// Can this machine carry rules of a mode at all? Asked before anything is written: no other mode is taken instead
// (PROXY-05), and a kernel that would lose rules silently is refused (PROXY-75).
import { release } from 'node:os';
import { runProgram } from '../linux/run-nft.ts';
import { openNftLook } from '../linux/look/nft-look.ts';
import type { Netns } from '../netlink/namespaces.ts';
import type { ProxyMode } from './rules-step.ts';

export interface Machine {
  /** As uname says it: `6.1.0-18-amd64`. */
  readonly kernel: string;
  /** Undefined = it runs; else what became of the attempt. */
  readonly troubleWith: (program: string) => Promise<string | undefined>;
  /** Of nf_tables in the kernel, which carries both modes. */
  readonly troubleWithKernel: () => string | undefined;
}

/** Before 5.13 the kernel cannot hold all of our sets and maps; kube-proxy draws the line there, too. */
const oldest = [5, 13] as const;
const programs: Readonly<Record<ProxyMode, readonly string[]>> = { nftables: ['nft'], iptables: ['iptables-restore', 'ip6tables-restore'] };

/** One sentence with the way out; undefined where the mode can be carried. */
export async function whyNoMode(mode: ProxyMode, { kernel, troubleWith, troubleWithKernel }: Machine, { skipsKernelCheck = false } = {}): Promise<string | undefined> {
  if (!skipsKernelCheck && isOlder(kernel)) return `proxy mode ${mode} needs Linux ${oldest.join('.')}, and this is ${kernel}; --skip-kernel-check tries it all the same`;
  for (const program of programs[mode]) {
    const trouble = await troubleWith(program);
    if (trouble !== undefined) return `proxy mode ${mode} cannot be served here: ${trouble}`;
  }
  const trouble = troubleWithKernel();
  return trouble === undefined ? undefined : `proxy mode ${mode} cannot be served here: the kernel refuses nf_tables: ${trouble}`;
}

/** A version that cannot be read is given the benefit of the doubt. */
function isOlder(kernel: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(kernel) ?? [];
  if (major === undefined) return false;
  return Number(major) < oldest[0] || (Number(major) === oldest[0] && Number(minor) < oldest[1]);
}

export const readMachine = (namespace: Netns): Machine => ({
  kernel: release(),
  troubleWith: (program) => runProgram('proxy mode', namespace, [program, '--version'], '').then(() => undefined, (error: Error) => error.message.replace(/^proxy mode: /, '')),
  troubleWithKernel() {
    try {
      const look = openNftLook(namespace);
      try {
        look.generation();
      } finally {
        look.close();
      }
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  },
});
