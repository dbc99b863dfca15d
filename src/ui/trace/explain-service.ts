// What would a packet to each address and port of a Service meet on one node, and why is each endpoint in or out?
// From the model: pure, and the same words for command line and JSON. Serves `fairlead service`.
import { familyOf } from '../../base/net/address.ts';
import { endpointSliceKind } from '../../kube/kinds/endpoint-slice.ts';
import { serviceKind } from '../../kube/kinds/service.ts';
import { serviceNameLabel } from '../../kube/meaning/service-slices.ts';
import type { Service } from '../../kube/objects/core.ts';
import type { Family } from '../../kube/objects/meta.ts';
import type { EndpointSlice } from '../../kube/objects/networking.ts';
import type { Snapshot } from '../../kube/store/store.ts';
import { createCompiler } from '../../model/compile.ts';
import type { NetworkModel, Scope, ServicePort, VirtualAddress } from '../../model/network-model.ts';
import { type EndpointReason, endpointReasons } from '../../model/services/endpoint-reasons.ts';
import { findService, type ServiceAnswer } from '../../model/services/find-service.ts';
import { type Asker, type AskerView, viewAsker } from './asker.ts';
import { QuestionError } from './explain.ts';

export interface ServiceQuestion {
  service: { name: string; namespace: string };
  /** Absent: any pod of the node. */
  from?: Asker;
  /** Absent: the asker's own, else the first. */
  node?: string;
}

export interface FrontAnswer {
  readonly type: VirtualAddress['type'];
  readonly address: string;
  readonly port: number;
  readonly meets: 'endpoints' | 'rejected' | 'dropped' | 'nothing';
  readonly did: string;
}

export interface PortAnswer {
  readonly key: string;
  readonly fronts: readonly FrontAnswer[];
  readonly endpoints: readonly EndpointReason[];
}

export interface ServiceExplanation {
  readonly service: { name: string; namespace: string };
  readonly node: string;
  readonly from: string;
  readonly ports: readonly PortAnswer[];
  /** What concerns the Service as a whole: slices that nobody proxies, addresses that are ignored, no address at all. */
  readonly notes: readonly string[];
  /** Every address leads to an endpoint. */
  readonly works: boolean;
}

export interface ServiceFinding {
  readonly explanation: ServiceExplanation;
  /** What the node should hold; for asking the kernel. */
  readonly model: NetworkModel;
}

/** Throws QuestionError. */
export function explainService(seen: Snapshot, question: ServiceQuestion, scope: Scope): ServiceFinding {
  const { name, namespace } = question.service;
  const service = seen.get(serviceKind, name, namespace);
  if (!service) throw new QuestionError(`there is no Service ${name} in namespace ${namespace}`);
  const { node, client, sources, words } = viewAsker(seen, question.from, question.node);
  const model = createCompiler({ ...scope, node })(seen);
  const slices = seen.list(endpointSliceKind).filter(({ metadata }) => metadata.namespace === namespace && metadata.labels?.[serviceNameLabel] === name);
  const own = [...model.services.values()].filter(({ origin }) => origin.name === name && origin.namespace === namespace);
  const around = { node, ...(model.self.zone !== undefined && { zone: model.self.zone }), serviceCIDRs: scope.serviceCIDRs };
  const ports = own.map((port): PortAnswer => {
    const spec = service.spec.ports?.find((each) => port.key.startsWith(`${namespace}/${name}:${each.name || each.port}/${(each.protocol ?? 'TCP').toLowerCase()}/`)) ?? {};
    return { key: port.key, fronts: frontsOf(model, port, { client, sources }), endpoints: endpointReasons(port, spec, slices, around) };
  });
  const fronts = ports.flatMap((port) => port.fronts);
  const works = fronts.length > 0 && fronts.every(({ meets }) => meets === 'endpoints');
  return { model, explanation: { service: question.service, node, from: words, ports, notes: notesOf(service, slices, { model, own }), works } };
}

const sourceFor = (sources: readonly string[], family: Family): string => sources.find((address) => familyOf(address) === family) ?? (family === 4 ? '0.0.0.0' : '::');

function frontsOf(model: NetworkModel, port: ServicePort, { client, sources }: Pick<AskerView, 'client' | 'sources'>): FrontAnswer[] {
  return port.virtual.flatMap((virtual) => {
    const addresses = virtual.address === undefined ? model.self.ips.filter((ip) => familyOf(ip) === port.family) : [virtual.address];
    return addresses.map((address): FrontAnswer => {
      const packet = { family: port.family, protocol: port.protocol, source: sourceFor(sources, port.family), sourcePort: 40_000, destination: address, destinationPort: virtual.port };
      const answer = findService(model, packet, client);
      return { type: virtual.type, address, port: virtual.port, meets: answer.says, did: wordsOf(answer) };
    });
  });
}

function wordsOf(answer: ServiceAnswer): string {
  if (answer.says === 'nothing') return 'node ports do not answer on this address';
  if (answer.says !== 'endpoints') return answer.did;
  return `to one of ${answer.endpoints.length}: ${answer.endpoints.map((each) => each.pod?.name ?? each.address).join(', ')}`;
}

function notesOf({ spec, metadata }: Service, slices: readonly EndpointSlice[], { model, own }: { model: NetworkModel; own: readonly ServicePort[] }): string[] {
  const families = new Set(own.map(({ family }) => `IPv${family}`));
  const strange = slices.filter(({ addressType }) => !families.has(addressType));
  return [
    ...(own.length === 0 ? [`the Service has no address here: ${withoutAddress(spec)}`] : strange.map(whyOut)),
    ...model.problems.filter(({ about }) => about.name === metadata.name && about.namespace === metadata.namespace).map(({ message }) => message),
  ];
}

function withoutAddress({ type, externalName, clusterIP }: Service['spec']): string {
  if (type === 'ExternalName') return `it is an alias of ${externalName}`;
  return clusterIP === 'None' ? 'it is headless, and its name leads to the pods themselves' : 'another proxy serves it';
}

function whyOut({ metadata, addressType }: EndpointSlice): string {
  const why = addressType === 'FQDN' ? 'names (FQDN) are not proxied' : `it holds ${addressType} addresses, and the Service has none of that family`;
  return `EndpointSlice ${metadata.name} is out: ${why}`;
}
