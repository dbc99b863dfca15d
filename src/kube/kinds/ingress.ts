// Ingress: its names and rules.
import type { Ingress } from '../objects/networking.ts';
import type { Kind } from './kind.ts';

export const ingressKind: Kind<Ingress> = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  plural: 'ingresses',
  shortNames: ['ing'],
  namespaced: true,
  columns: [],
};
