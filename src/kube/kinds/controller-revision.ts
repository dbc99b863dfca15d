// ControllerRevision: one stored pod template of a DaemonSet or StatefulSet. Its data never changes.
import { deepEqual } from '../../base/data/memo.ts';
import { type FieldError, invalid, required } from '../meaning/field-error.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import { controllerOf } from '../meaning/owner-references.ts';
import type { ControllerRevision } from '../objects/apps.ts';
import { ageColumn, nameColumn, none } from './columns.ts';
import type { Kind } from './kind.ts';

/** `daemonset.apps/web` or `<none>`. */
function ownerName(object: ControllerRevision): string {
  const owner = controllerOf(object);
  if (!owner) return none;
  const [group = '', version] = owner.apiVersion.split('/');
  return `${owner.kind.toLowerCase()}${version ? `.${group}` : ''}/${owner.name}`;
}

function validateContent({ data, revision = 0 }: ControllerRevision, old?: ControllerRevision): FieldError[] {
  const errors: FieldError[] = [];
  if (revision < 0) errors.push(invalid('revision', revision, 'must be greater than or equal to 0'));
  if (data === undefined) errors.push(required('data', 'data is mandatory'));
  if (old && !deepEqual(data, old.data)) errors.push(invalid('data', data, 'field is immutable'));
  return errors;
}

export const controllerRevisionKind: Kind<ControllerRevision> = {
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  plural: 'controllerrevisions',
  shortNames: [],
  namespaced: true,
  columns: [
    nameColumn,
    { name: 'Controller', type: 'string', cell: ownerName },
    { name: 'Revision', type: 'string', cell: ({ revision }) => revision },
    ageColumn,
  ],
  validate: (object, old) => [...validateObjectMeta(object, { namespaced: true }, old), ...validateContent(object, old)],
};
