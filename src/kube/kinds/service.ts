// Service: a stable name and address for pods that come and go. Its rules are in service/, one file per question:
// defaults, families, allocation, validation, what an update keeps.
import type { Service } from '../objects/core.ts';
import type { Snapshot } from '../store/store.ts';
import { type ClusterConfig, defaultClusterConfig, serviceRanges } from './cluster-config.ts';
import { allocatorName, ipAddressKind, managedByLabel } from './ip-address.ts';
import type { Kind } from './kind.ts';
import { withAddresses } from './service/allocate-addresses.ts';
import { withNodePorts } from './service/allocate-ports.ts';
import { serviceColumns } from './service/columns.ts';
import { setServiceDefaults } from './service/defaults.ts';
import { withFamilies } from './service/families.ts';
import { serviceCidrKind } from './service-cidr.ts';
import { prepareServiceUpdate } from './service/prepare-update.ts';
import { currentRanges } from './service/ranges.ts';
import { type Taken, takenBook } from './service/taken.ts';
import { needsClusterIP } from './service/traits.ts';
import { validateService } from './service/validate.ts';
import { serviceWarnings } from './service/warnings.ts';

/** An IPAddress made by hand keeps Services off its address; the allocator's own only mirror what is taken (IPAM-36). */
const withReserved = (taken: Taken, seen: Snapshot): Taken => ({
  ...taken,
  hasAddress(ip) {
    if (taken.hasAddress(ip)) return true;
    const reserved = seen.get(ipAddressKind, ip);
    return reserved !== undefined && reserved.metadata.labels?.[managedByLabel] !== allocatorName;
  },
});

/** The kind as one cluster serves it; addresses and ports come from its configuration. */
export function createServiceKind(config: ClusterConfig): Kind<Service> {
  const ranges = serviceRanges(config);
  const takenIn = takenBook();
  const rangesNow = currentRanges(ranges);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    plural: 'services',
    shortNames: ['svc'],
    categories: ['all'],
    namespaced: true,
    subresources: ['status'],
    answersDeletedObject: true,
    createsOnUpdate: true,
    columns: serviceColumns,
    fieldSelectors: {
      'spec.clusterIP': ({ spec }) => spec.clusterIP ?? '',
      'spec.type': ({ spec }) => spec.type ?? '',
    },
    setDefaults: setServiceDefaults,
    prepareUpdate: prepareServiceUpdate,
    allocate(service, old, seen, isDryRun = false) {
      const taken = withReserved(takenIn(seen.list(serviceKind)), seen);
      const addressed = needsClusterIP(service) ? withAddresses(withFamilies(service, ranges), old, { ranges: rangesNow(seen.list(serviceCidrKind)), taken, isDryRun }) : service;
      return withNodePorts(addressed, old, { range: config.nodePorts, taken, isDryRun });
    },
    validate: (service, old) => validateService(service, ranges, old),
    warnings: serviceWarnings,
  };
}

/** For readers: names the kind to a snapshot. What a cluster serves is createKinds' own. */
export const serviceKind: Kind<Service> = createServiceKind(defaultClusterConfig);
