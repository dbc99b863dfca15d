// Tables: what `kubectl get` prints. The kind's columns make the cells; rows carry the object or its metadata,
// because kubectl takes namespaces and labels from there.
import { createdAtColumn, nameColumn } from '../../../kube/kinds/columns.ts';
import type { Column } from '../../../kube/kinds/kind.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Resource } from '../registry.ts';
import { type ListMeta, partialOf } from './print.ts';

export interface TableWish {
  version: string;
  includeObject: 'Metadata' | 'None' | 'Object';
  now: Date;
}

const nameText =
  'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically.';

/** For kinds without columns of their own. */
const plainColumns: readonly Column[] = [nameColumn, createdAtColumn];

const columnsOf = ({ kind }: Resource): readonly Column[] => (kind.columns.length > 0 ? kind.columns : plainColumns);

// Wide columns are always sent; the client shows them on `-o wide`.
const definitionOf = ({ name, type = 'string', format, description, wide }: Column) => ({
  name,
  type,
  format: format ?? '',
  description: description ?? (format === 'name' ? nameText : ''),
  priority: wide ? 1 : 0,
});

function rowObject(resource: Resource, stored: KubeObject, { version, includeObject }: TableWish) {
  if (includeObject === 'None') return {};
  const { kind, apiVersion } = resource.kind;
  if (includeObject === 'Object') return { object: { ...resource.fromStored(stored), kind, apiVersion } };
  return { object: partialOf(stored, version) };
}

/** A pod that has ended keeps its row but is marked, so that clients can leave it out. */
function rowConditions(stored: KubeObject) {
  if (stored.kind !== 'Pod') return {};
  const { phase } = (stored as KubeObject & { status?: { phase?: string } }).status ?? {};
  if (phase !== 'Succeeded' && phase !== 'Failed') return {};
  const message = phase === 'Succeeded' ? 'The pod has completed successfully.' : 'The pod failed.';
  return { conditions: [{ type: 'Completed', status: 'True', reason: phase, message }] };
}

/** `withColumns: false` for all but the first event of a watch. */
export function printTable(resource: Resource, objects: readonly KubeObject[], wish: TableWish & { metadata: ListMeta; withColumns?: boolean }): string {
  const columns = columnsOf(resource);
  const rows = objects.map((stored) => ({
    cells: columns.map((column) => column.cell(stored, wish.now)),
    ...rowConditions(stored),
    ...rowObject(resource, stored, wish),
  }));
  return JSON.stringify({
    kind: 'Table',
    apiVersion: `meta.k8s.io/${wish.version}`,
    metadata: wish.metadata,
    columnDefinitions: wish.withColumns === false ? null : columns.map(definitionOf),
    rows,
  });
}
