// docs/reference/kinds.md: every kind that is served, as discovery and `kubectl get` show it.
import { createKindRegistry } from '../../src/control/apiserver/registry.ts';
import { servedGroups, type ServedResource } from '../../src/control/apiserver/discovery/served.ts';
import { viewsOf } from '../../src/control/apiserver/views/views.ts';
import type { Column } from '../../src/kube/kinds/kind.ts';
import { kindOf, kinds } from '../../src/kube/kinds/kinds.ts';
import { code, printPage, printTable } from './markdown.ts';

const about = `What \`kubectl api-resources\` lists. Field names and types of each are what \`kubectl explain\` prints.
Review kinds answer one question and are not stored. A column marked \`wide\` shows with \`-o wide\` only.`;

export function kindsPage(): string {
  const versions = servedGroups(createKindRegistry(kinds, viewsOf(kinds))).flatMap(({ versions }) => versions);
  return printPage('Kinds', about, ...versions.flatMap(({ apiVersion, resources }) => [`## ${apiVersion}`, namesTable(resources), columnsTable(apiVersion, resources)]).filter(Boolean));
}

const namesTable = (resources: readonly ServedResource[]): string =>
  printTable(
    ['kind', 'plural', 'short', 'namespaced', 'subresources'],
    resources.map(({ kind, plural, shortNames, namespaced, subresources }) => [
      kind,
      code(plural),
      shortNames.map(code).join(' '),
      namespaced ? 'yes' : 'no',
      [...new Set(subresources.map(({ name }) => name))].join(', '),
    ]),
  );

function columnsTable(apiVersion: string, resources: readonly ServedResource[]): string {
  const rows = resources.flatMap(({ kind }) => {
    const columns = kindOf(apiVersion, kind)?.columns;
    return columns ? [[kind, columns.map(printColumn).join(' · ')]] : [];
  });
  return rows.length === 0 ? '' : printTable(['kind', 'columns of `kubectl get`'], rows);
}

const printColumn = ({ name, wide }: Column): string => (wide ? `${name} (wide)` : name);
