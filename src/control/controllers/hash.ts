// Short names for long things: template hashes and name suffixes, in the alphabet that Kubernetes uses
// (no vowels, so that no words appear). Not for secrets.

/** FNV-1a, 32 bit. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  // FNV leaves its last bytes poorly mixed, and short suffixes show it.
  hash ^= hash >>> 15;
  return Math.imul(hash, 0x2c1b3c6d) >>> 0;
}

const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Each decimal digit becomes a letter: up to ten characters. */
export const safeEncode = (hash: number): string =>
  [...String(hash)].map((digit) => alphabet[digit.charCodeAt(0) % alphabet.length]).join('');

/** Five characters, like the suffix of a generated name. */
export function suffixOf(text: string): string {
  let rest = hashText(text);
  let suffix = '';
  for (let i = 0; i < 5; i++, rest = Math.floor(rest / alphabet.length)) suffix += alphabet[rest % alphabet.length];
  return suffix;
}

/** JSON with sorted keys: equal data, equal text. */
export function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
