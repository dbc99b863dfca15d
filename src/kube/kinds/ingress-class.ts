// IngressClass: its names and rules.
import type { IngressClass } from '../objects/networking.ts';
import type { Kind } from './kind.ts';

export const ingressClassKind: Kind<IngressClass> = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  plural: 'ingressclasses',
  shortNames: [],
  namespaced: false,
  columns: [],
};
