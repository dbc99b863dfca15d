// Reading JSON that a stranger sent: JSON.parse, but with a bound on nesting.
import { badRequest } from '../meaning/api-error.ts';
import { nestsDeeper } from './json-keys.ts';

// No type we serve nests a tenth of it.
const maxDepth = 500;

/** The value of a JSON text. Throws SyntaxError for no JSON, ApiError 400 for JSON that nests too deeply. */
export function parseJsonText(text: string): unknown {
  if (text.length > maxDepth && nestsDeeper(text, maxDepth)) throw badRequest('json: exceeded max depth');
  return JSON.parse(text) as unknown;
}
