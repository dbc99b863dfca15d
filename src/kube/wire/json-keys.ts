// What JSON.parse does not tell about a text: keys given twice (it keeps the last), and how deep it nests
// (a body of brackets would exhaust the stack of everyone who walks it).

const maxFound = 100;
// A string that never ends goes to the end of the text: else each quote in it would be tried as the beginning of another.
const token = /"[^"\\]*(?:\\[^][^"\\]*)*(?:"(?:\s*:)?|\\?$)|[[\]{},]/g;

interface Container {
  readonly path: string;
  /** Of an object: the keys seen so far. */
  readonly keys?: Set<string>;
  /** Of an object: where the value that comes next stands. */
  next: string;
  /** Of a list: which item comes next. */
  index: number;
}

/** Paths like `spec.ports[0].name` of keys given again, in order of the text, which should be JSON. */
export function duplicateKeys(text: string): string[] {
  const found: string[] = [];
  const open: Container[] = [];
  for (const [word] of text.matchAll(token)) {
    const top = open.at(-1);
    if (word === '{' || word === '[') open.push(opened(word, top));
    else if (word === '}' || word === ']') open.pop();
    else if (top?.keys) noteKey(word, top, found);
    else if (top && word === ',') top.index += 1;
  }
  return found;
}

function opened(word: string, parent: Container | undefined): Container {
  const path = !parent ? '' : parent.keys ? parent.next : `${parent.path}[${parent.index}]`;
  return { path, keys: word === '{' ? new Set() : undefined, next: '', index: 0 };
}

function noteKey(word: string, object: Container, found: string[]): void {
  if (!word.endsWith(':')) return;
  const key = readString(word.slice(0, -1).trimEnd());
  object.next = object.path ? `${object.path}.${key}` : key;
  if (object.keys?.has(key) && found.length < maxFound) found.push(object.next);
  object.keys?.add(key);
}

// YAML in braces looks like JSON but may hold escapes that JSON does not have; such a key stands for itself.
function readString(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted;
  }
}

/** Whether brackets nest deeper than `limit`, also in text that is no JSON. Strings do not count. */
export function nestsDeeper(text: string, limit: number): boolean {
  let depth = 0;
  for (const [word] of text.matchAll(token)) {
    if (word === '{' || word === '[') depth += 1;
    else if (word === '}' || word === ']') depth -= 1;
    if (depth > limit) return true;
  }
  return false;
}
