// One host port of one pod → its chain and its line in KUBE-SERVICES, in the shape that kubelets once gave to them.
//
//   KUBE-SERVICES ──address of the node──▶ KUBE-HP ──▶ DNAT
//
// Nobody is masqueraded but the pod itself: it is on this node, so its answers pass here whoever asked.
import { memoByIdentity } from '../../../base/data/memo.ts';
import type { ServicePort, VirtualAddress } from '../../../model/network-model.ts';
import { chainName } from '../../iptables/chain-names.ts';
import type { IptablesMatch, IptablesRule } from '../../iptables/rules.ts';
import { canonicalAddress } from '../fronts.ts';
import { hostRange, jump, type ServiceRules } from './service-rules.ts';

export const renderHostPortRules = memoByIdentity(({ key, protocol, virtual, endpoints, origin }: ServicePort): ServiceRules => {
  const [pod] = endpoints;
  if (!pod) return { chains: [], lines: [], clusterIPs: [] };
  const name = chainName('HP', key);
  const about = { comment: `${origin.namespace}/${origin.name} hostport ${virtual[0]?.port}`, origin };
  const ofProtocol = (ports?: readonly number[]): IptablesMatch => ({ match: 'protocol', protocol: protocol.toLowerCase(), ...(ports && { ports }) });
  const chain: readonly IptablesRule[] = [
    { when: [{ match: 'source', range: hostRange(pod.address) }], then: jump('KUBE-MARK-MASQ'), ...about },
    { when: [ofProtocol()], then: { do: 'dnat', address: canonicalAddress(pod.address), port: pod.port }, ...about },
  ];
  const line = ({ address = '', port }: VirtualAddress): ServiceRules['lines'][number] => ({
    to: 'nat KUBE-SERVICES',
    rule: { when: [{ match: 'destination', range: hostRange(address) }, ofProtocol([port])], then: jump(name), ...about },
  });
  return { chains: [{ name, rules: chain }], lines: virtual.map(line), clusterIPs: [] };
});
