// From address to name (PTR): the directory turned around, once per directory and only when somebody asks.
// Also where the reverse zones of the cluster's own address ranges begin.
import { bitsOf, printAddress } from '../../base/net/address.ts';
import { contains, type Prefix, prefixOf } from '../../base/net/prefix.ts';
import type { Ref } from '../../kube/objects/meta.ts';
import type { NameDirectory } from '../network-model.ts';

export interface ReverseName {
  readonly target: string;
  readonly origin: Ref;
}

const turned = new WeakMap<NameDirectory['services'], ReadonlyMap<string, readonly ReverseName[]>>();

/** The names of an address in canonical form; undefined when no Service has it. */
export function namesOfAddress({ domain, services }: NameDirectory, address: string): readonly ReverseName[] | undefined {
  let names = turned.get(services);
  if (!names) turned.set(services, (names = turnAround(domain, services)));
  return names.get(address);
}

/** Cluster IPs take precedence over endpoints and stand alone (DNS-35). */
function turnAround(domain: string, services: NameDirectory['services']): ReadonlyMap<string, readonly ReverseName[]> {
  const names = new Map<string, ReverseName[]>();
  for (const [key, { type, endpoints }] of services) {
    if (type !== 'headless') continue;
    for (const { label, address, origin } of endpoints) {
      const name = { target: `${label}.${hostOf(key, domain)}`, origin };
      const others = names.get(address);
      if (others) others.push(name);
      else names.set(address, [name]);
    }
  }
  for (const [key, { addresses, origin }] of services) {
    for (const address of addresses) names.set(address, [{ target: hostOf(key, domain), origin }]);
  }
  return names;
}

function hostOf(key: string, domain: string): string {
  const [namespace, service] = key.split('/');
  return `${service}.${namespace}.svc.${domain}`;
}

interface Form {
  readonly family: 4 | 6;
  readonly suffix: string;
  readonly bitsPerLabel: number;
  readonly label: RegExp;
  readonly radix: number;
}

const forms: readonly Form[] = [
  { family: 4, suffix: '.in-addr.arpa', bitsPerLabel: 8, label: /^(?:0|[1-9]\d{0,2})$/, radix: 10 },
  { family: 6, suffix: '.ip6.arpa', bitsPerLabel: 4, label: /^[0-9a-f]$/, radix: 16 },
];

/** What a reverse name says: so many leading bits of an address, and the address itself when they are all there. */
export interface ReadReverseName {
  readonly prefix: Prefix;
  readonly address?: string;
}

/** `1.0.96.10.in-addr.arpa` → 10.96.0.1, `96.10.in-addr.arpa` → 10.96.0.0/16; undefined when it is neither. */
export function readReverseName(name: string): ReadReverseName | undefined {
  const form = forms.find(({ suffix }) => name.endsWith(suffix));
  if (!form) return undefined;
  const { family, bitsPerLabel } = form;
  const labels = name.slice(0, -form.suffix.length).split('.').toReversed();
  const bits = bitsOf(family);
  const parts = labels.map((label) => (form.label.test(label) ? Number.parseInt(label, form.radix) : Infinity));
  if (parts.length * bitsPerLabel > bits || parts.some((part) => part >= 2 ** bitsPerLabel)) return undefined;
  const length = parts.length * bitsPerLabel;
  const value = parts.reduce((sum, part) => (sum << BigInt(bitsPerLabel)) | BigInt(part), 0n) << BigInt(bits - length);
  return { prefix: { family, first: value, length }, ...(length === bits && { address: printAddress({ family, value }) }) };
}

/** The reverse zone of ours in which the name lies. A range that ends inside a label has one zone for each value of that label. */
export function reverseZone(cidrs: readonly string[], name: string): string | undefined {
  const asked = readReverseName(name);
  const form = forms.find(({ family }) => family === asked?.prefix.family);
  if (!asked || !form) return undefined;
  const { prefix } = asked;
  const range = cidrs.map(prefixOf).find((cidr) => contains(cidr, { family: prefix.family, value: prefix.first }));
  const labels = range && Math.ceil(range.length / form.bitsPerLabel);
  if (labels === undefined || labels === 0 || prefix.length < labels * form.bitsPerLabel) return undefined;
  return `${name.slice(0, -form.suffix.length).split('.').slice(-labels).join('.')}${form.suffix}`;
}
