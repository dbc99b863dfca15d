// Quantities (`100m`, `1Gi`, `2e3`) as plain numbers in base units: precise enough to compare and to add up.
import type { IntOrString } from '../objects/meta.ts';

const form = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?$/;

export const quantityComplaint =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const decimal = 'numkMGTPE';
const decimalPowers = [-9, -6, -3, 3, 6, 9, 12, 15, 18];
const binary = 'KMGTPE';

function factorOf(suffix: string | undefined, exponent: string | undefined): number {
  if (exponent !== undefined) return 10 ** Number(exponent);
  if (!suffix) return 1;
  if (suffix.endsWith('i')) return 1024 ** (binary.indexOf(suffix[0] ?? '') + 1);
  return 10 ** (decimalPowers[decimal.indexOf(suffix)] ?? 0);
}

/** Undefined when it is no quantity. */
export function parseQuantity(quantity: IntOrString): number | undefined {
  const parts = form.exec(String(quantity));
  return parts ? Number(parts[1]) * factorOf(parts[2], parts[3]) : undefined;
}

/** Negative, zero, positive, as sort() wants it; what is no quantity counts as zero. */
export const compareQuantities = (a: IntOrString, b: IntOrString): number => (parseQuantity(a) ?? 0) - (parseQuantity(b) ?? 0);
