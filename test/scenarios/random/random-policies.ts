// Random NetworkPolicies over the world `crowd`: both directions, every kind of peer and port.
import fc from 'fast-check';
import type { ShortObject } from '../run/short-objects.ts';
import { lean, maybe, pick } from './arbitraries.ts';
import { podNames, spaces } from './crowd.ts';

const podSelector = fc.oneof(
  fc.constant({}),
  pick(...podNames).map((pod) => ({ matchLabels: { pod } })),
  pick('front', 'back').map((tier) => ({ matchLabels: { tier } })),
  fc.subarray([...podNames], { minLength: 1 }).map((values) => ({ matchExpressions: [{ key: 'pod', operator: 'NotIn', values }] })),
  pick('Exists', 'DoesNotExist').map((operator) => ({ matchExpressions: [{ key: 'tier', operator }] })),
);
const namespaceSelector = fc.oneof(
  fc.constant({}),
  pick(...spaces).map((ns) => ({ matchLabels: { ns } })),
  fc.subarray([...spaces], { minLength: 1 }).map((values) => ({ matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values }] })),
);
const ipBlock = pick<{ cidr: string; except?: string[] }>(
  { cidr: '172.17.0.0/16' },
  { cidr: '172.17.0.0/16', except: ['172.17.1.0/24'] },
  { cidr: '0.0.0.0/0', except: ['10.244.1.0/24', '8.8.8.8/32'] },
  { cidr: '10.244.0.0/16', except: ['10.244.1.16/28', '10.244.2.16/28'] },
  { cidr: '10.244.2.0/23', except: ['10.244.3.0/24'] },
  { cidr: '192.168.0.2/32' },
  { cidr: '10.96.0.0/16' },
  { cidr: '::/0' },
  { cidr: '::/0', except: ['fd00:10:244:3::/64', '2001:db8:17::/64'] },
  { cidr: 'fd00:10:244:1::/64', except: ['fd00:10:244:1::10/124'] },
  { cidr: '2001:db8:17::/48', except: ['2001:db8:17:1::/64'] },
);
const peer = fc.oneof(
  podSelector.map((selector) => ({ podSelector: selector })),
  namespaceSelector.map((selector) => ({ namespaceSelector: selector })),
  fc.record({ podSelector, namespaceSelector }),
  ipBlock.map((block) => ({ ipBlock: block })),
);
const port = pick<object>(
  { port: 80 },
  { port: 81, protocol: 'TCP' },
  { protocol: 'UDP' },
  { port: 80, protocol: 'UDP' },
  { port: 80, protocol: 'SCTP' },
  { port: 80, endPort: 81 },
  { port: 'serve-81-tcp' },
  { port: 'web' },
  { port: 'serve-80-udp', protocol: 'UDP' },
);
const rules = (side: 'from' | 'to'): fc.Arbitrary<object[]> =>
  fc.array(fc.record({ [side]: fc.array(peer, { maxLength: 2 }), ports: fc.array(port, { maxLength: 2 }) }, { requiredKeys: [] }), { maxLength: 2 });

export const randomPolicy = (index: number): fc.Arbitrary<ShortObject> =>
  fc
    .record({ space: pick(...spaces), podSelector, ingress: maybe(rules('from')), egress: maybe(rules('to')), policyTypes: maybe(fc.subarray(['Ingress', 'Egress'], { minLength: 1 })) })
    .map(({ space, ...spec }) => lean({ policy: `${space}/p${index}`, ...spec }));
