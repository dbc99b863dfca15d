// All controllers, in the order in which the world comes to be: namespaces and nodes, workloads, pods, addresses, and
// at the end those who clear away. The order is for readers; each decides on its own snapshot.
import { kinds } from '../../kube/kinds/kinds.ts';
import { aggregateRoles } from './aggregate-roles.ts';
import { createApiServerEndpoints } from './api-server-endpoints.ts';
import type { Controller } from './controller.ts';
import { cronJobController } from './cron-job.ts';
import { daemonSetController } from './daemon-set.ts';
import { deploymentController } from './deployment.ts';
import { createEndpointSlices } from './endpoint-slices.ts';
import { createEndpoints } from './endpoints.ts';
import { eventExpiry } from './event-expiry.ts';
import { createGarbageCollector } from './garbage-collector.ts';
import { createIngressStatus } from './ingress-status.ts';
import { createIpAddresses } from './ip-addresses.ts';
import { onlyInLivingNamespaces } from './living-namespaces.ts';
import { jobController } from './job.ts';
import { createLoadBalancerAddresses } from './load-balancer-addresses.ts';
import { createNamespaceDeletion } from './namespace-deletion.ts';
import { createRootCertificates, defaultServiceAccounts } from './namespace-furniture.ts';
import { createNodeLifecycle } from './node-lifecycle.ts';
import { createNodeRanges } from './node-ranges.ts';
import type { ControllerOptions } from './options.ts';
import { createPodGarbage } from './pod-garbage.ts';
import { replicaSetController } from './replica-set.ts';
import { podDisruptionBudgets } from './pod-disruption-budgets.ts';
import { replicationControllerController } from './replication-controller.ts';
import { schedulerController } from './scheduler.ts';
import { createServiceRanges } from './service-ranges.ts';
import { createSliceMirroring } from './slice-mirroring.ts';
import { statefulSetController } from './stateful-set.ts';

export function createControllers(options: ControllerOptions): readonly Controller[] {
  const controllers: readonly Controller[] = [
    defaultServiceAccounts,
    createRootCertificates(options.caCertificate),
    createNodeRanges(options.podCIDRs),
    createNodeLifecycle(options.nodeHeartbeat),
    deploymentController,
    replicaSetController,
    replicationControllerController,
    statefulSetController,
    daemonSetController,
    jobController,
    cronJobController,
    schedulerController,
    createServiceRanges(options.serviceCIDRs),
    createIpAddresses(),
    createEndpointSlices(options.maxEndpointsPerSlice),
    createEndpoints(),
    createSliceMirroring(),
    createApiServerEndpoints(options),
    createLoadBalancerAddresses(options.loadBalancerCIDRs, options.internalLoadBalancerCIDRs),
    createIngressStatus(),
    podDisruptionBudgets,
    createPodGarbage(),
    createNamespaceDeletion(kinds),
    createGarbageCollector(kinds),
    eventExpiry,
    aggregateRoles,
  ];
  return controllers.map(onlyInLivingNamespaces);
}
