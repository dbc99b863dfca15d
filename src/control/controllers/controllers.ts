// All controllers, in the order in which the world comes to be: namespaces and nodes, workloads, pods, addresses.
// The order is for readers; each decides on its own snapshot.
import type { Controller } from './controller.ts';
import { daemonSetController } from './daemon-set.ts';
import { deploymentController } from './deployment.ts';
import { createEndpointSlices } from './endpoint-slices.ts';
import { createRootCertificates, defaultServiceAccounts } from './namespace-furniture.ts';
import { createNodeRanges } from './node-ranges.ts';
import type { ControllerOptions } from './options.ts';
import { replicaSetController } from './replica-set.ts';
import { schedulerController } from './scheduler.ts';
import { onlyInLivingNamespaces } from './living-namespaces.ts';

export function createControllers(options: ControllerOptions): readonly Controller[] {
  const controllers: readonly Controller[] = [
    defaultServiceAccounts,
    createRootCertificates(options.caCertificate),
    createNodeRanges(options.podCIDRs),
    deploymentController,
    replicaSetController,
    daemonSetController,
    schedulerController,
    createEndpointSlices(),
  ];
  return controllers.map(onlyInLivingNamespaces);
}
