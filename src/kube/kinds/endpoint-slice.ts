// EndpointSlice: its names and rules.
import type { EndpointSlice } from '../objects/networking.ts';
import type { Kind } from './kind.ts';

export const endpointSliceKind: Kind<EndpointSlice> = {
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  plural: 'endpointslices',
  shortNames: [],
  namespaced: true,
  columns: [],
};
