// Deployment: its names and rules.
import type { Deployment } from '../objects/apps.ts';
import type { Kind } from './kind.ts';

export const deploymentKind: Kind<Deployment> = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  plural: 'deployments',
  shortNames: ['deploy'],
  namespaced: true,
  subresources: ['status', 'scale'],
  countsGenerations: true,
  columns: [],
};
