// Handling JSON whose keys and shapes a stranger chose: plain objects, own keys, Go's way of printing it.

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Sets a key as JSON.parse would: `__proto__` becomes a plain key and never the prototype. */
export function setOwn(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  else object[key] = value;
}

/** The value of an own key: `constructor` and `__proto__` are absent unless given. */
export const ownValue = (object: JsonObject, key: string): unknown => (Object.hasOwn(object, key) ? object[key] : undefined);

/** As Go's %v prints it: `map[a:1 b:[x y]]`, keys in order. */
export function printGoValue(value: unknown): string {
  if (value === null || value === undefined) return '<nil>';
  if (Array.isArray(value)) return `[${value.map(printGoValue).join(' ')}]`;
  if (!isObject(value)) return String(value);
  const entries = Object.keys(value).toSorted().map((key) => `${key}:${printGoValue(value[key])}`);
  return `map[${entries.join(' ')}]`;
}
