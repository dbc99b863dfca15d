// RoleBinding and ClusterRoleBinding: who may do what a role says. One shape, two scopes; the role never changes.
import { deepEqual } from '../../base/data/memo.ts';
import { type FieldError, invalid, notSupported, required } from '../meaning/field-error.ts';
import { checkPathSegment } from '../meaning/rules/names.ts';
import { validateObjectMeta } from '../meaning/rules/object-meta.ts';
import type { RoleBinding, Subject } from '../objects/rbac.ts';
import { ageColumn, nameColumn } from './columns.ts';
import type { Column, Kind } from './kind.ts';

const group = 'rbac.authorization.k8s.io';

const withGroup = (subject: Subject): Subject =>
  subject.apiGroup === undefined && (subject.kind === 'User' || subject.kind === 'Group') ? { ...subject, apiGroup: group } : subject;

function setDefaults(binding: RoleBinding): RoleBinding {
  const roleRef = { ...binding.roleRef, apiGroup: binding.roleRef?.apiGroup || group };
  return { ...binding, roleRef, ...(binding.subjects && { subjects: binding.subjects.map(withGroup) }) };
}

const subjectKinds = ['Group', 'ServiceAccount', 'User'];

const validateSubject = (subject: Subject, field: string): FieldError[] => [
  ...(subject.name ? [] : [required(`${field}.name`)]),
  ...(subjectKinds.includes(subject.kind) ? [] : [notSupported(`${field}.kind`, subject.kind, subjectKinds)]),
  ...(subject.kind === 'ServiceAccount' && !subject.namespace ? [required(`${field}.namespace`)] : []),
];

function validateRoleRef({ roleRef }: RoleBinding, known: readonly string[], old?: RoleBinding): FieldError[] {
  const errors: FieldError[] = [];
  if (roleRef.apiGroup !== group) errors.push(notSupported('roleRef.apiGroup', roleRef.apiGroup, [group]));
  if (!known.includes(roleRef.kind)) errors.push(notSupported('roleRef.kind', roleRef.kind, known));
  if (!roleRef.name) errors.push(required('roleRef.name'));
  if (old && !deepEqual(roleRef, old.roleRef)) errors.push(invalid('roleRef', roleRef, 'cannot change roleRef'));
  return errors;
}

const validateBinding =
  (namespaced: boolean) =>
  (binding: RoleBinding, old?: RoleBinding): FieldError[] => [
    ...validateObjectMeta(binding, { namespaced, name: checkPathSegment }, old),
    ...validateRoleRef(binding, namespaced ? ['ClusterRole', 'Role'] : ['ClusterRole'], old),
    ...(binding.subjects ?? []).flatMap((subject, i) => validateSubject(subject, `subjects[${i}]`)),
  ];

const who = (name: string, kind: Subject['kind']): Column<RoleBinding> => ({
  name,
  type: 'string',
  wide: true,
  cell: ({ subjects = [] }) =>
    subjects.filter((subject) => subject.kind === kind).map((subject) => (kind === 'ServiceAccount' ? `${subject.namespace}/${subject.name}` : subject.name)).join(', '),
});

const columns: readonly Column<RoleBinding>[] = [
  nameColumn,
  { name: 'Role', type: 'string', cell: ({ roleRef }) => `${roleRef.kind}/${roleRef.name}` },
  ageColumn,
  who('Users', 'User'),
  who('Groups', 'Group'),
  who('ServiceAccounts', 'ServiceAccount'),
];

const shared = { apiVersion: `${group}/v1`, shortNames: [], createsOnUpdate: true, columns, setDefaults };

export const roleBindingKind: Kind<RoleBinding> = {
  ...shared,
  kind: 'RoleBinding',
  plural: 'rolebindings',
  namespaced: true,
  validate: validateBinding(true),
};

export const clusterRoleBindingKind: Kind<RoleBinding> = {
  ...shared,
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  namespaced: false,
  validate: validateBinding(false),
};
