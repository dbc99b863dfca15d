// Kubernetes quantities (`1.5Gi`, `200m`) as exact numbers, and named formats of names and labels.
import { checkDns1035Label, checkDns1123Label, checkDns1123Subdomain, checkLabelValue, checkQualifiedName } from '../../../meaning/rules/names.ts';
import { hasFormat } from '../../values/formats.ts';
import type { Library } from '../environment.ts';
import { EvalError, none, type Opaque, Optional } from '../values.ts';

const fail = (message: string): never => {
  throw new EvalError(message);
};

// In nano units: no suffix is finer.
const scale = 1_000_000_000n;
const shape = /^([+-]?)(\d*)(?:\.(\d*))?(?:([eE])([+-]?\d{1,2})|([numkMGTPE]|[KMGTPE]i)?)$/;
const decimal = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];
const binary = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

class Quantity implements Opaque {
  readonly typeName = 'kubernetes.Quantity';
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
  equals(other: Opaque): boolean {
    return other instanceof Quantity && other.nanos === this.nanos;
  }
}

function parseQuantity(text: string): Quantity | undefined {
  const [, sign, whole = '', fraction = '', , power, suffix = ''] = shape.exec(text) ?? [];
  if (sign === undefined || (whole === '' && fraction === '') || whole.length + fraction.length > maxDigits) return undefined;
  const { unit, tens } = suffix.endsWith('i') ? { unit: 1024n ** BigInt(binary.indexOf(suffix) + 1), tens: 0 } : { unit: 1n, tens: (decimal.indexOf(suffix) - 3) * 3 };
  const scaled = timesTen(BigInt(whole + fraction) * scale * unit, Number(power ?? tens) - fraction.length);
  return new Quantity(sign === '-' ? -scaled : scaled);
}

const maxDigits = 100;
const timesTen = (value: bigint, power: number): bigint => (power >= 0 ? value * 10n ** BigInt(power) : value / 10n ** BigInt(-power));

const quantityOf = (text: string): Quantity =>
  parseQuantity(text) ?? fail("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");

const isInteger = ({ nanos }: Quantity): boolean => nanos % scale === 0n && BigInt.asIntN(64, nanos / scale) === nanos / scale;
const sign = (value: bigint): bigint => (value < 0n ? -1n : value > 0n ? 1n : 0n);

const quantities: Library = [
  ['quantity(string): kubernetes.Quantity', ([text]) => quantityOf(text)],
  ['isQuantity(string): bool', ([text]) => parseQuantity(text) !== undefined],
  ['kubernetes.Quantity.isInteger(): bool', ([one]) => isInteger(one)],
  ['kubernetes.Quantity.asInteger(): int', ([one]: [Quantity]) => (isInteger(one) ? one.nanos / scale : fail('cannot convert value to integer'))],
  ['kubernetes.Quantity.asApproximateFloat(): double', ([one]: [Quantity]) => Number(one.nanos) / Number(scale)],
  ['kubernetes.Quantity.sign(): int', ([one]: [Quantity]) => sign(one.nanos)],
  ['kubernetes.Quantity.add(kubernetes.Quantity): kubernetes.Quantity', ([a, b]: [Quantity, Quantity]) => new Quantity(a.nanos + b.nanos)],
  ['kubernetes.Quantity.add(int): kubernetes.Quantity', ([a, b]: [Quantity, bigint]) => new Quantity(a.nanos + b * scale)],
  ['kubernetes.Quantity.sub(kubernetes.Quantity): kubernetes.Quantity', ([a, b]: [Quantity, Quantity]) => new Quantity(a.nanos - b.nanos)],
  ['kubernetes.Quantity.sub(int): kubernetes.Quantity', ([a, b]: [Quantity, bigint]) => new Quantity(a.nanos - b * scale)],
  ['kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool', ([a, b]: [Quantity, Quantity]) => a.nanos < b.nanos],
  ['kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool', ([a, b]: [Quantity, Quantity]) => a.nanos > b.nanos],
  ['kubernetes.Quantity.compareTo(kubernetes.Quantity): int', ([a, b]: [Quantity, Quantity]) => sign(a.nanos - b.nanos)],
];

class Format implements Opaque {
  readonly typeName = 'kubernetes.NamedFormat';
  readonly name: string;
  readonly check: (text: string) => string[];
  constructor(name: string, check: (text: string) => string[]) {
    this.name = name;
    this.check = check;
  }
  equals(other: Opaque): boolean {
    return other instanceof Format && other.name === this.name;
  }
}

const prefixed = (check: (text: string) => string[]) => (text: string): string[] => check(text.replace(/-$/, 'a'));
const byFormat = (format: string, what: string) => (text: string): string[] => (hasFormat(text, format) ? [] : [`invalid ${what}`]);

const formats: readonly Format[] = [
  new Format('dns1123Label', checkDns1123Label),
  new Format('dns1123Subdomain', checkDns1123Subdomain),
  new Format('dns1035Label', checkDns1035Label),
  new Format('qualifiedName', checkQualifiedName),
  new Format('dns1123LabelPrefix', prefixed(checkDns1123Label)),
  new Format('dns1123SubdomainPrefix', prefixed(checkDns1123Subdomain)),
  new Format('dns1035LabelPrefix', prefixed(checkDns1035Label)),
  new Format('labelValue', checkLabelValue),
  new Format('uri', byFormat('uri', 'URI')),
  new Format('uuid', byFormat('uuid', 'UUID')),
  new Format('byte', byFormat('byte', 'base64')),
  new Format('date', byFormat('date', 'date')),
  new Format('datetime', byFormat('date-time', 'datetime')),
];

const namedFormats: Library = [
  ...formats.map((format) => [`format.${format.name}(): kubernetes.NamedFormat`, () => format] as const),
  ['format.named(string): optional<kubernetes.NamedFormat>', ([name]) => optionalOf(formats.find((format) => format.name === name))],
  ['kubernetes.NamedFormat.validate(string): optional<list<string>>', ([format, text]: [Format, string], budget) => {
    budget.spend(1 + text.length / 10);
    const complaints = format.check(text);
    return optionalOf(complaints.length === 0 ? undefined : complaints);
  }],
];

const optionalOf = (value: unknown): Optional => (value === undefined ? none : new Optional(true, value));

export const quantity: Library = [...quantities, ...namedFormats];
