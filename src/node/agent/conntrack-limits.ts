// How many connections the kernel remembers on a machine whose Services we serve, and for how long: kube-proxy's sysctls
// with kube-proxy's defaults (PROXY-08). Serves `fairlead proxy`; nodes of the stand-alone cluster share their machine's.
import { cpus } from 'node:os';
import { logFor } from '../../base/run/log.ts';
import { readSysctlHere, writeSysctlHere } from '../netlink/sysctl.ts';

/** 0 leaves what the machine has. */
export interface ConntrackLimits {
  readonly maxPerCore: number;
  /** At least so many, however few cores there are. */
  readonly min: number;
  readonly tcpEstablishedSeconds: number;
  readonly tcpCloseWaitSeconds: number;
}

const prefix = 'net/netfilter/nf_conntrack_';

/** By sysctl. The maximum is only ever raised: others on the machine may count on what they were given. */
export function planConntrack({ maxPerCore, min, tcpEstablishedSeconds, tcpCloseWaitSeconds }: ConntrackLimits, cores: number, has: (key: string) => number): ReadonlyMap<string, number> {
  const max = maxPerCore === 0 ? 0 : Math.max(maxPerCore * cores, min);
  const wishes: [key: string, wish: number][] = [
    [`${prefix}max`, max > has(`${prefix}max`) ? max : 0],
    [`${prefix}tcp_timeout_established`, tcpEstablishedSeconds],
    [`${prefix}tcp_timeout_close_wait`, tcpCloseWaitSeconds],
  ];
  return new Map(wishes.filter(([key, wish]) => wish > 0 && wish !== has(key)));
}

const log = logFor('conntrack limits');

/** Once rules stand, so that the kernel tracks connections. What a container may not write is told, and is no failure. */
export function applyConntrackLimits(limits: ConntrackLimits): void {
  const readNumber = (key: string): number => {
    try {
      return Number(readSysctlHere(key));
    } catch {
      // Nobody tracks connections here, so there is nothing to limit: the write says so.
      return 0;
    }
  };
  for (const [key, wish] of planConntrack(limits, cpus().length, readNumber)) {
    try {
      writeSysctlHere(key, String(wish));
    } catch (error) {
      log.warn({ sysctl: key, wish, reason: (error as Error).message }, 'a limit of connection tracking stays as it is');
    }
  }
}
