// `fairlead service` in words: addresses with what they meet, then endpoints with why they are in or out.
import type { EndpointReason } from '../../model/services/endpoint-reasons.ts';
import type { PortAnswer, ServiceExplanation } from './explain-service.ts';

/** How many of the entries that a Service port should have in the node's kernel are there; by key. */
export type KernelView = ReadonlyMap<string, { readonly wished: number; readonly held: number }>;

const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);

function align(rows: readonly (readonly string[])[], indent: string): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => `${indent}${row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ')}`.trimEnd());
}

const markOf = ({ isUsed, isUsedLocally }: EndpointReason): string => (isUsed ? 'in' : isUsedLocally ? 'in for Local' : 'out');

function localWords({ endpoint, isUsedLocally }: EndpointReason): string {
  if (isUsedLocally === undefined) return '';
  return isUsedLocally ? '; in under Local' : endpoint.local ? '; out under Local' : `; out under Local: on node ${endpoint.node ?? '(unknown)'}`;
}

function portLines({ key, fronts, endpoints }: PortAnswer, kernel: KernelView | undefined): string[] {
  const held = kernel?.get(key);
  const state = held === undefined ? '' : held.held === held.wished ? `kernel: holds all ${held.wished} entries` : `kernel: holds only ${held.held} of ${held.wished} entries`;
  return [
    `  ${key}${state && `  (${state})`}`,
    ...align(fronts.map(({ type, address, port, meets, did }) => [type, `${bracketed(address)}:${port}`, meets, did.replace(/^(?:dropped|rejected): /, '')]), '    '),
    ...(endpoints.length === 0 ? ['    no endpoints'] : []),
    ...align(endpoints.map((each) => [markOf(each), `${bracketed(each.endpoint.address)}:${each.endpoint.port}`, each.endpoint.pod?.name ?? '', each.endpoint.node ?? '', `${each.why}${localWords(each)}`]), '    '),
  ];
}

export function printService({ service, node, from, ports, notes }: ServiceExplanation, kernel: KernelView | undefined): string {
  const unasked = kernel ? [] : ['the kernel was not asked: that takes root on the machine of the cluster, and nftables'];
  return [`Service ${service.namespace}/${service.name} on node ${node}, asked by ${from}`, ...ports.flatMap((port) => portLines(port, kernel)), ...notes, ...unasked].join('\n');
}
