// NetworkPolicy: its names and rules.
import type { NetworkPolicy } from '../objects/networking.ts';
import type { Kind } from './kind.ts';

export const networkPolicyKind: Kind<NetworkPolicy> = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  plural: 'networkpolicies',
  shortNames: ['netpol'],
  namespaced: true,
  columns: [],
};
