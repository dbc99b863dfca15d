// The columns of `kubectl get` for custom objects: the name, then what the definition asks for, else the age.
import { printAge } from '../../base/text/duration.ts';
import { nameColumn } from '../kinds/columns.ts';
import type { Column } from '../kinds/kind.ts';
import type { PrinterColumn } from '../objects/api-extensions.ts';
import { type JsonPath, parseJsonPath, valuesAt } from './json-path.ts';

const age: PrinterColumn = {
  name: 'Age',
  type: 'date',
  description:
    'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata',
  jsonPath: '.metadata.creationTimestamp',
};

export const customColumns = (columns: readonly PrinterColumn[] | undefined): Column[] => [nameColumn, ...(columns?.length ? columns : [age]).map(columnOf)];

function columnOf({ name, type, format, description, priority = 0, jsonPath }: PrinterColumn): Column {
  const path = parseJsonPath(jsonPath) ?? [];
  return {
    name,
    type: type as Column['type'],
    ...(format && { format: format as Column['format'] }),
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    wide: priority > 0,
    cell: (object, now) => cellOf(object, { type, path }, now),
  };
}

/** null where the value is missing or of another type. */
function cellOf(object: unknown, { type, path }: { type: string; path: JsonPath }, now: Date): string | number | boolean | null {
  const [value] = valuesAt(object, path);
  if (value === undefined || value === null) return null;
  if (type === 'date') return typeof value === 'string' ? printDate(value, now) : null;
  if (type === 'integer') return typeof value === 'number' ? Math.trunc(value) : null;
  if (type === 'number') return typeof value === 'number' ? value : null;
  if (type === 'boolean') return typeof value === 'boolean' ? value : null;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const printDate = (text: string, now: Date): string => (Number.isNaN(Date.parse(text)) ? '<invalid>' : printAge(text, now));
