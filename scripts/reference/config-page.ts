// docs/reference/config.md: the fields of a cluster's config file. Meanings are the comments of cluster-description.ts.
import { readFileSync } from 'node:fs';
import { fields, nodeFields, outsideFields } from '../../src/ui/config/check-description.ts';
import { completeDescription, maxNodes } from '../../src/ui/config/cluster-description.ts';
import { code, printPage, printTable } from './markdown.ts';

const about = `YAML, given by \`fairlead up --config FILE\`. Every field may be left out. A wrong file is refused with line, field and reason.
The defaults are those of the first cluster on a machine; the next ones get another \`172.30.N.0/24\` each. At most ${maxNodes} nodes.`;

const source = readFileSync(new URL('../../src/ui/config/cluster-description.ts', import.meta.url), 'utf8');

/** The comments over the members of an interface: member → text. */
function commentsOf(name: string): Map<string, string> {
  const body = new RegExp(`^export interface ${name} \\{\\n(.*?)^\\}`, 'ms').exec(source)?.[1] ?? '';
  return new Map([...body.matchAll(/\/\*\* (.*?) \*\/\n\s+readonly (\w+)/g)].map(([, text, member]) => [member!, text!]));
}

function printFields(known: Readonly<Record<string, string>>, type: string, defaults: object): string {
  const comments = commentsOf(type);
  const rows = Object.entries(known).map(([field, shape]) => {
    const meaning = comments.get(field);
    if (meaning === undefined) throw new Error(`cluster-description.ts: ${type}.${field} needs a comment, which the reference prints`);
    const value = (defaults as Record<string, unknown>)[field];
    return [code(field), shape, meaning, value === undefined ? '' : code(JSON.stringify(value))];
  });
  return printTable(['field', 'shape', 'meaning', 'default'], rows);
}

export function configPage(): string {
  const { nodes, ...defaults } = completeDescription({});
  const names = `${nodes.length} nodes: ${nodes.map(({ name }) => name).join(', ')}`;
  const table = printFields(fields, 'ClusterDescription', defaults).replace(/^(\| `nodes` .*\| )\|$/m, `$1${names} |`);
  const [first] = nodes;
  return printPage(
    'Config file',
    about,
    table,
    '## A node',
    'The default of `addresses` is the eleventh address of each node prefix, and the following ones for the following nodes.',
    printFields(nodeFields, 'NodeDescription', { ...first, name: undefined }),
    '## An outside host',
    printFields(outsideFields, 'OutsideHost', {}),
  );
}
