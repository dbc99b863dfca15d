// What the stand-in says to an HTTP request: who it is, who asked, and what it heard. Pure.
import type { IncomingHttpHeaders } from 'node:http';

/** Who answers: the same for every request to one container. */
export interface EchoIdentity {
  pod: string;
  namespace: string;
  node: string;
  container: string;
  image: string;
}

export interface EchoRequest {
  method: string;
  url: string;
  httpVersion: string;
  headers: IncomingHttpHeaders;
  /** `address:port`, IPv6 in brackets. */
  peer: string;
  local: string;
}

export interface EchoAnswer {
  status: number;
  type: 'text/plain; charset=utf-8' | 'application/json';
  body: string;
}

/** An IPv4 peer on a dual-stack socket looks like ::ffff:10.0.0.1; people want to read 10.0.0.1. */
export function printSocketAddress(address: string | undefined, port: number | undefined): string {
  const plain = (address ?? '').replace(/^::ffff:(?=\d+\.)/, '');
  return plain.includes(':') ? `[${plain}]:${port}` : `${plain}:${port}`;
}

/** Programs (no Accept at all, or one that names JSON) get JSON; curl and browsers get text. */
const wantsJson = ({ headers: { accept }, url }: EchoRequest) =>
  accept === undefined || accept.includes('application/json') || /[?&]format=json\b/.test(url);

/** `Content-Type` → [`text/plain`]: the shape that Gateway API's own echo server answers. */
function printHeaders(headers: IncomingHttpHeaders): Record<string, string[]> {
  const canonical = (name: string) => name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase());
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [canonical(name), [value ?? []].flat()]));
}

function asJson(who: EchoIdentity, heard: EchoRequest): string {
  const { headers, method, url, httpVersion, peer, local } = heard;
  const answer = { ...who, path: url, host: headers.host ?? '', method, proto: `HTTP/${httpVersion}`, peer, local, headers: printHeaders(headers) };
  return `${JSON.stringify(answer, undefined, 1)}\n`;
}

function asText(who: EchoIdentity, heard: EchoRequest): string {
  const lines = [
    `pod: ${who.namespace}/${who.pod}`,
    `node: ${who.node}`,
    `image: ${who.image} (stand-in)`,
    `local: ${heard.local}`,
    `peer: ${heard.peer}`,
    `request: ${heard.method} ${heard.url} HTTP/${heard.httpVersion}`,
    ...Object.entries(heard.headers).map(([name, value]) => `header ${name}: ${[value ?? []].flat().join(', ')}`),
  ];
  return `${lines.join('\n')}\n`;
}

const text = (status: number, body: string): EchoAnswer => ({ status, type: 'text/plain; charset=utf-8', body });

/** `/healthz`, `/hostname`, `/clientip` and `/status/NNN` answer by name; every other path is echoed with 200. */
export function answerEcho(who: EchoIdentity, heard: EchoRequest): EchoAnswer {
  const path = heard.url.split('?', 1)[0]!;
  if (path === '/healthz') return text(200, 'ok\n');
  if (path === '/hostname') return text(200, `${who.pod}\n`);
  if (path === '/clientip') return text(200, `${heard.peer}\n`);
  const asked = /^\/status\/([2-5]\d\d)$/.exec(path);
  const status = asked ? Number(asked[1]) : 200;
  if (wantsJson(heard)) return { status, type: 'application/json', body: asJson(who, heard) };
  return text(status, asText(who, heard));
}

/** A datagram, or the first bytes of a TCP connection: three words are questions, everything else comes back as it is. */
export function answerBytes(who: EchoIdentity, heard: Buffer, peer: string): Buffer | string {
  if (heard.length > 16) return heard;
  const word = heard.toString('latin1').trim();
  if (word === 'hostname') return `${who.pod}\n`;
  if (word === 'clientip') return `${peer}\n`;
  if (word === 'whoami') return `${who.namespace}/${who.pod} on ${who.node}\n`;
  return heard;
}
