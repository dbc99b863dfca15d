// The part of a cluster's description that the machine room builds.
import type { MachineDescription } from '../node/machine/description.ts';
import type { ClusterDescription } from '../ui/config/cluster-description.ts';

export const machineOf = ({ name, nodeCIDRs, nodes, outside, loadBalancerCIDRs }: ClusterDescription): MachineDescription => ({
  cluster: name,
  subnets: nodeCIDRs,
  nodes,
  outside,
  pools: loadBalancerCIDRs,
});
