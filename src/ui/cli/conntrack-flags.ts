// Options of `fairlead proxy` about connection tracking, called and preset as kube-proxy's are.
import { InvalidArgumentError, Option } from 'commander';
import { parseDuration } from './duration-flag.ts';
import type { ConntrackSettings } from './parts.ts';

export interface ConntrackFlags {
  conntrackMaxPerCore: number;
  conntrackMin: number;
  conntrackTcpTimeoutEstablished: number;
  conntrackTcpTimeoutCloseWait: number;
}

function parseCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('must be a whole number, 0 to leave what there is.');
  return Number(text);
}

const orNever = (text: string): number => (/^0s?$/.test(text) ? 0 : parseDuration(text));
const flag = (name: string, about: string) => new Option(`--conntrack-${name}`, about);

export const conntrackOptions: readonly Option[] = [
  flag('max-per-core <count>', 'connections that the kernel remembers, for each core; only ever raised, 0: as it is').argParser(parseCount).default(32_768),
  flag('min <count>', 'and at least so many').argParser(parseCount).default(131_072),
  flag('tcp-timeout-established <duration>', 'how long a silent connection is remembered; 0: as it is').argParser(orNever).default(86_400_000, '24h'),
  flag('tcp-timeout-close-wait <duration>', 'and one that is half closed').argParser(orNever).default(3_600_000, '1h'),
];

export const conntrackSettings = (flags: ConntrackFlags): ConntrackSettings => ({
  maxPerCore: flags.conntrackMaxPerCore,
  min: flags.conntrackMin,
  tcpEstablishedSeconds: flags.conntrackTcpTimeoutEstablished / 1000,
  tcpCloseWaitSeconds: flags.conntrackTcpTimeoutCloseWait / 1000,
});
