// What becomes of definitions: names accepted or not, established, approved; and when one is going, its objects go first.
// Pure: a snapshot in, writes out.
import type { Kind } from '../kinds/kind.ts';
import { approvalOf, type Approval } from '../kinds/custom-resource-definition/validate.ts';
import { cleanupFinalizer } from '../kinds/custom-resource-definition.ts';
import { findCondition, removeCondition, setCondition } from '../meaning/conditions.ts';
import type { CustomResourceDefinition, CustomResourceNames } from '../objects/api-extensions.ts';
import type { Condition } from '../objects/meta.ts';
import type { Snapshot, Write } from '../store/store.ts';
import { customKinds, definitionKind } from './custom-kinds.ts';

/** [] when everything is as it should be. */
export function decideDefinitions(seen: Snapshot, now: Date): Write[] {
  const all = seen.list<CustomResourceDefinition>(definitionKind);
  return all.flatMap((definition) => (definition.metadata.deletionTimestamp ? endDefinition(definition, seen, now) : keepStatus(definition, { all, now })));
}

const nextStatus = (definition: CustomResourceDefinition, status: CustomResourceDefinition['status']): Write => ({
  verb: 'update',
  object: { ...definition, status } as CustomResourceDefinition,
  subresource: 'status',
});

function keepStatus(definition: CustomResourceDefinition, { all, now }: { all: readonly CustomResourceDefinition[]; now: Date }): Write[] {
  const { status = {}, spec } = definition;
  const conflict = findConflict(definition, all);
  const told = [namesCondition(conflict), establishedCondition(definition, conflict), approvalCondition(definition)];
  let conditions: readonly Condition[] = status.conditions ?? [];
  for (const next of told) if (next) conditions = setCondition(conditions, next, now);
  if (!told[2]) conditions = removeCondition(conditions, approvalType) ?? [];
  const acceptedNames = conflict ? (status.acceptedNames ?? { plural: '', kind: '' }) : spec.names;
  if (conditions === status.conditions && JSON.stringify(acceptedNames) === JSON.stringify(status.acceptedNames)) return [];
  return [nextStatus(definition, { ...status, conditions: [...conditions], acceptedNames })];
}

interface Conflict {
  reason: string;
  name: string;
}

const single = ['plural', 'singular', 'kind', 'listKind'] as const;

/** Of two definitions in one group that want a name, it belongs to the one that had it accepted, else to the older. */
function findConflict({ metadata, spec }: CustomResourceDefinition, all: readonly CustomResourceDefinition[]): Conflict | undefined {
  const others = all.filter((other) => other.spec.group === spec.group && other.metadata.name !== metadata.name);
  const taken = others.flatMap(({ status }) => (status?.acceptedNames?.kind ? [status.acceptedNames] : []));
  for (const key of single) {
    const name = spec.names[key];
    const resourceNames = taken.flatMap((names) => (key === 'kind' || key === 'listKind' ? [names.kind, names.listKind] : resourceWords(names)));
    if (name && resourceNames.includes(name)) return { reason: conflictReasons[key], name };
  }
  const short = spec.names.shortNames?.find((name) => taken.some((names) => resourceWords(names).includes(name)));
  return short ? { reason: 'ShortNamesConflict', name: short } : undefined;
}

const conflictReasons = { plural: 'PluralConflict', singular: 'SingularConflict', kind: 'KindConflict', listKind: 'ListKindConflict' } as const;
const resourceWords = ({ plural, singular, shortNames = [] }: CustomResourceNames) => [plural, singular, ...shortNames];

function namesCondition(conflict: Conflict | undefined): Condition {
  if (!conflict) return { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' };
  return { type: 'NamesAccepted', status: 'False', reason: conflict.reason, message: `${JSON.stringify(conflict.name)} is already in use` };
}

/** Once established, a definition stays so. */
function establishedCondition({ status }: CustomResourceDefinition, conflict: Conflict | undefined): Condition | undefined {
  const known = findCondition(status?.conditions ?? [], 'Established');
  if (known?.status === 'True') return undefined;
  if (conflict) return { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' };
  return { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' };
}

const approvalType = 'KubernetesAPIApprovalPolicyConformant';
const approved: ReadonlySet<Approval> = new Set<Approval>(['ApprovedAnnotation']);

function approvalCondition(definition: CustomResourceDefinition): Condition | undefined {
  const { is, text } = approvalOf(definition);
  if (is === 'NotProtected') return undefined;
  return { type: approvalType, status: approved.has(is) ? 'True' : 'False', reason: is, message: text };
}

const terminating = (reason: string, message: string): Condition => ({ type: 'Terminating', status: 'True', reason, message });

/** First the objects, then the finalizer. Objects with finalizers of their own hold the definition. */
function endDefinition(definition: CustomResourceDefinition, seen: Snapshot, now: Date): Write[] {
  const { metadata, status = {} } = definition;
  if (!metadata.finalizers?.includes(cleanupFinalizer)) return [];
  const told = setCondition(status.conditions ?? [], terminating('InstanceDeletionInProgress', 'CustomResource deletion is in progress'), now);
  if (told !== status.conditions) return [nextStatus(definition, { ...status, conditions: [...told] })];
  const kind = customKinds(seen).versions.find((one) => isOf(definition, one.stored))?.stored;
  const objects = kind ? seen.list(kind) : [];
  if (objects.length === 0) return [withoutFinalizer(definition)];
  const { apiVersion, kind: name } = kind!;
  const waiting = objects.filter((object) => !object.metadata.deletionTimestamp);
  return waiting.map(({ metadata: { name: object, namespace, uid } }) => ({ verb: 'delete', target: { apiVersion, kind: name, name: object, namespace, uid } }));
}

const isOf = ({ spec }: CustomResourceDefinition, kind: Kind): boolean => kind.plural === spec.names.plural && kind.apiVersion.startsWith(`${spec.group}/`);

function withoutFinalizer(definition: CustomResourceDefinition): Write {
  const finalizers = definition.metadata.finalizers?.filter((name) => name !== cleanupFinalizer);
  return { verb: 'update', object: { ...definition, metadata: { ...definition.metadata, finalizers } } };
}
