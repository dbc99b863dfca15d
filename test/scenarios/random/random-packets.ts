// Random packets to what a random world holds: its Services by every address, and everybody's own addresses.
import fc from 'fast-check';
import type { ShortObject } from '../run/short-objects.ts';
import { pick } from './arbitraries.ts';
import { hostNames, hostPodKeys, nodeNames, podKeys } from './crowd.ts';

const machines = nodeNames.map((name) => `node ${name}`);
const source: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: pick(...podKeys) },
  { weight: 2, arbitrary: pick(...machines, ...hostPodKeys) },
  { weight: 1, arbitrary: pick(...hostNames) },
  { weight: 3, arbitrary: fc.tuple(pick(...hostNames), pick(...nodeNames)).map(([host, node]) => `${host} via ${node}`) },
);

/** Nobody's: in a node's pod range, in no node's, in the service range, outside. */
const nobodys = ['10.244.1.99', '10.244.77.1', '10.96.255.250', '198.51.100.77', 'fd00:10:244:1::99', 'fd00:10:96::fffe', '2001:db8:dead::1'];
const written = (address: string): string => (address.includes(':') ? `[${address}]` : address);
/** Addresses tell their family; names are asked for the other one by a flag. */
const toAddress = (address: string): Aim => ({ to: written(address), v6: false });

interface Aim {
  readonly to: string;
  readonly v6: boolean;
}

const protocolOf = pick('', '', ' udp', ' sctp', ' icmp');

const direct: fc.Arbitrary<string> = fc
  .record({
    from: source,
    aim: fc.oneof(
      { weight: 6, arbitrary: fc.record({ to: pick(...podKeys), v6: pick(false, false, true) }) },
      { weight: 3, arbitrary: fc.record({ to: pick(...machines, ...machines, 'ext1', 'ext3', 'x/h'), v6: pick(false, false, true) }) },
      { weight: 1, arbitrary: pick(...nobodys).map(toAddress) },
    ),
    port: pick(80, 80, 81, 82),
    protocol: protocolOf,
  })
  .map(({ from, aim, port, protocol }) => `${from} -> ${aim.to}:${port}${protocol}${aim.v6 ? ' v6' : ''}`);

/** Its name, its outer addresses and any node; a headless Service has none and is asked by nobody. */
function aimsOf(service: ShortObject): readonly Aim[] {
  const outer = [...(service['externalIPs'] ?? []), ...(service['balancer'] ?? []).flatMap(({ ip }: { ip?: string }) => ip ?? [])];
  const named = service['headless'] ? [] : service['families'].map((family: 4 | 6): Aim => ({ to: service['service'], v6: family === 6 }));
  return [...named, ...named, ...outer.map(toAddress)];
}

function toService(service: ShortObject): fc.Arbitrary<string> {
  const aims = service['families'] ? aimsOf(service) : [];
  if (aims.length === 0) return direct;
  const nodePorts = service['ports'].filter(({ nodePort }: ShortObject) => nodePort);
  const front = fc
    .record({ from: source, aim: pick(...aims), port: pick(...service['ports']), miss: pick<object>({}, {}, {}, {}, { port: 82 }, { protocol: 'ICMP' }, { protocol: 'UDP' }) })
    .map(({ from, aim, port, miss }) => `${from} -> ${aim.to}${asked({ ...(port as ShortObject), ...miss })}${aim.v6 ? ' v6' : ''}`);
  if (nodePorts.length === 0) return front;
  const nodePort = fc
    .record({ from: source, to: pick(...machines), port: pick(...nodePorts), v6: fc.boolean() })
    .map(({ from, to, port, v6 }) => `${from} -> ${to}${asked({ ...(port as ShortObject), port: (port as ShortObject)['nodePort'] })}${v6 ? ' v6' : ''}`);
  return fc.oneof({ weight: 2, arbitrary: front }, { weight: 1, arbitrary: nodePort });
}

const asked = ({ port, protocol = 'TCP' }: ShortObject): string => `:${port}${protocol === 'TCP' ? '' : ` ${protocol.toLowerCase()}`}`;

/**
 * What a machine outside says to itself is none of the cluster's business, and two of them know no way to each other:
 * only what needs no answer can be sent through a node.
 */
const isAmongOutsiders = (line: string): boolean => /^(ext\d)\b.* -> \1\b/.test(line) || (/^ext\d\b.* -> ext\d\b/.test(line) && !/ (sctp|icmp)\b/.test(line));

export const randomPackets = (services: readonly ShortObject[]): fc.Arbitrary<string[]> => {
  const one = services.length === 0 ? direct : fc.oneof({ weight: 1, arbitrary: direct }, { weight: 2, arbitrary: pick(...services).chain(toService) });
  return fc.array(one, { minLength: 1, maxLength: 10 }).map((lines) => lines.filter((line) => !isAmongOutsiders(line)));
};
