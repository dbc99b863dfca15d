// Pod: containers that share one network address. Its rules are in pod/: defaults, validation, columns.
import type { Pod } from '../objects/core.ts';
import type { Kind } from './kind.ts';
import { podColumns } from './pod/columns.ts';
import { setPodDefaults } from './pod/defaults.ts';
import { validatePod } from './pod/validate.ts';

const nodeName = ({ spec }: Pod): string => spec.nodeName ?? '';

export const podKind: Kind<Pod> = {
  apiVersion: 'v1',
  kind: 'Pod',
  plural: 'pods',
  shortNames: ['po'],
  categories: ['all'],
  namespaced: true,
  subresources: ['status'],
  answersDeletedObject: true,
  columns: podColumns,
  fieldSelectors: {
    'spec.nodeName': nodeName,
    'spec.host': nodeName,
    'spec.restartPolicy': ({ spec }) => spec.restartPolicy ?? '',
    'spec.schedulerName': ({ spec }) => spec.schedulerName ?? '',
    'spec.serviceAccountName': ({ spec }) => spec.serviceAccountName ?? '',
    'spec.hostNetwork': ({ spec }) => String(spec.hostNetwork ?? false),
    'status.phase': ({ status }) => status?.phase ?? '',
    'status.podIP': ({ status }) => status?.podIP ?? '',
    'status.podIPs': ({ status }) => (status?.podIPs ?? []).map(({ ip }) => ip).join(','),
    'status.nominatedNodeName': ({ status }) => status?.nominatedNodeName ?? '',
  },
  setDefaults: setPodDefaults,
  validate: validatePod,
};
