// Reading YAML that a stranger sent, as Kubernetes reads it: only what JSON can say, `yes` and `on` are true
// (YAML 1.1), dates stay texts, and aliases cannot multiply a small text into a large object.
import { CORE_SCHEMA, Schema, YAMLException, boolYaml11Tag, load } from 'js-yaml';
import { badRequest } from '../meaning/api-error.ts';

const schema = new Schema([boolYaml11Tag, ...CORE_SCHEMA.tags.filter((tag) => tag.tagName !== boolYaml11Tag.tagName)]);

// What a text of 3 MiB may honestly hold.
const maxValues = 1_000_000;

/** The value of one YAML document. Throws ApiError 400; an empty text is null. */
export function parseYamlText(text: string): unknown {
  if (text.trim() === '') return null;
  if (hasThreeMarkers(text)) throw badRequest('error converting YAML to JSON: yaml: expected a single document in the stream, but found more');
  const value = loaded(text);
  if (expandedSize(value, new Map()) > maxValues) throw badRequest('error converting YAML to JSON: yaml: document contains excessive aliasing');
  return value;
}

/** Surely several documents: the parser would make them all before it says so. */
function hasThreeMarkers(text: string): boolean {
  let found = 0;
  for (const _ of text.matchAll(/^---(?=\s|$)/gm)) if (++found === 3) return true;
  return false;
}

function loaded(text: string): unknown {
  try {
    return load(text, { schema });
  } catch (error) {
    if (error instanceof YAMLException) throw badRequest(`error converting YAML to JSON: yaml: ${error.message}`);
    throw error;
  }
}

/** How many values there would be if aliases were copies; an alias inside itself counts as endless. */
function expandedSize(value: unknown, known: Map<object, number>): number {
  if (typeof value !== 'object' || value === null) return 1;
  const size = known.get(value);
  if (size !== undefined) return size;
  known.set(value, Infinity);
  let sum = 1;
  for (const item of Object.values(value)) sum += expandedSize(item, known);
  known.set(value, sum);
  return sum;
}
