// ControllerRevision: its names and rules.
import type { ControllerRevision } from '../objects/apps.ts';
import type { Kind } from './kind.ts';

export const controllerRevisionKind: Kind<ControllerRevision> = {
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  shortNames: [],
  namespaced: true,
  columns: [],
};
