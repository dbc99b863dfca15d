// Reads a cluster's config file (YAML): text → description, or every complaint with its line.
import { LineCounter, parseDocument } from 'yaml';
import { checkDescription, checkShape, type Complaint } from './check-description.ts';
import { type ClusterDescription, completeDescription, type PartialDescription } from './cluster-description.ts';

/** Thrown when a config file cannot be used; the message holds one line a complaint, `file:line: field: reason`. */
export class ConfigError extends Error {}

export interface ConfigSource {
  /** Shown in complaints. */
  file: string;
  text: string;
}

export interface ConfigOverrides {
  name?: string;
  nodes?: number;
  subnet?: number;
}

const printPath = (path: readonly (string | number)[]): string =>
  path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i > 0 ? `.${step}` : step)).join('') || '(file)';

/** Command-line values win over the file. Throws ConfigError. */
export function readConfig(source: ConfigSource, { name, nodes, subnet }: ConfigOverrides = {}): ClusterDescription {
  const lines = new LineCounter();
  const document = parseDocument(source.text, { lineCounter: lines, prettyErrors: false });
  const lineOf = (path: readonly (string | number)[]): number => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as { range?: [number, number, number] } | undefined;
      if (node?.range) return lines.linePos(node.range[0]).line;
    }
    return 1;
  };
  const refuse = (complaints: readonly Complaint[]) => {
    if (complaints.length === 0) return;
    throw new ConfigError(complaints.map(({ path, message }) => `${source.file}:${lineOf(path)}: ${printPath(path)}: ${message}`).join('\n'));
  };
  if (document.errors.length > 0) {
    throw new ConfigError(document.errors.map((e) => `${source.file}:${lines.linePos(e.pos[0]).line}: not YAML: ${e.message}`).join('\n'));
  }
  const raw: unknown = document.toJS() ?? {};
  refuse(checkShape(raw));
  const said = { ...(raw as PartialDescription), ...(name !== undefined && { name }) };
  const chosen = nodes === undefined ? said : { ...said, nodes: undefined };
  const description = completeDescription(chosen, { ...(subnet !== undefined && { subnet }), ...(nodes !== undefined && { count: nodes }) });
  refuse(checkDescription(description));
  return description;
}
