// One request from its head to its log line, for both client protocols: decides, opens the exchange, keeps the score.
import { printRef } from '../../../model/network-model.ts';
import { type Answer, answer } from './answers.ts';
import { backendName, decide, type Decision } from './decide.ts';
import { requestHeadText, requestIdOf } from './forward-headers.ts';
import type { Inbound } from './inbound.ts';
import type { AccessRecord, ProxyContext } from '../proxy-context.ts';
import { type Answering, Exchange } from '../upstream/exchange.ts';

export interface ServedRequest {
  readonly requestId: string;
  /** What we answer ourselves, or the exchange that brings the answer (not yet started). */
  readonly next: Answer | Exchange;
  /** Call once, when the response is over. */
  finished(status: number, sentBytes: number, error?: string): void;
}

export function serveRequest(context: ProxyContext, request: Inbound, protocol: AccessRecord['protocol'], answering: Answering): ServedRequest {
  const startedAt = performance.now();
  const { head, client } = request;
  const requestId = requestIdOf(head.headers);
  const tooLarge = head.framing.type === 'length' && head.framing.bytes > context.maxBodyBytes;
  const decision: Decision = tooLarge ? { answer: answer(413) } : decide(context.listeners, request);
  const backend = 'backend' in decision ? backendName(decision.backend) : undefined;
  const next = 'backend' in decision ? exchangeFor(context, request, decision, { requestId, answering }) : decision.answer;
  const finished = (status: number, sentBytes: number, error?: string): void => {
    const tookMs = performance.now() - startedAt;
    context.metrics.request(backend ?? '', status, tookMs);
    if (backend && error !== undefined) context.metrics.upstreamError(backend, status);
    context.accessLog?.({
      client: client.address, method: head.method, host: head.host, target: head.target, protocol, scheme: client.scheme, status, sentBytes, tookMs, requestId,
      ...(next instanceof Exchange ? { backend, endpoint: next.endpoint } : {}),
      ...(decision.route ? { route: printRef(decision.route.origin) } : {}),
      ...(error === undefined ? {} : { error }),
    });
  };
  return { requestId, next, finished };
}

function exchangeFor(
  context: ProxyContext,
  request: Inbound,
  decision: Extract<Decision, { target: string }>,
  { requestId, answering }: { requestId: string; answering: Answering },
): Exchange {
  const { method, framing, upgrade } = request.head;
  const backend = backendName(decision.backend);
  const head = requestHeadText(request, decision.target, requestId, decision.backend.service.name);
  return new Exchange(context, { method, head, framing, upgrade: upgrade !== undefined, backend, endpoints: decision.backend.endpoints }, answering);
}
