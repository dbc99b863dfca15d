// Reads the head of an HTTP/1 request or response. Strict: whatever two implementations could read differently is
// refused, because a front and a back that disagree on where a message ends let requests be smuggled (RFC 9112 section 11.2).
import { requestFraming, responseFraming } from './framing.ts';
import {
  badValuePattern, defaultHeadLimits, findHeader, type Header, type HeadLimits, listOf, namePattern, RefusedMessage, type RequestHead, type ResponseHead, targetPattern,
} from './message.ts';

const CR = 13;
const LF = 10;

/**
 * The position after the empty line that ends a head, or -1 while it is incomplete.
 * `from` is where the last look stopped. Throws on a bare LF, which some readers take for a line end.
 */
export function findHeadEnd(bytes: Buffer, from: number, limits: HeadLimits = defaultHeadLimits): number {
  const found = bytes.indexOf('\r\n\r\n', Math.max(0, from - 3), 'latin1');
  if (found >= 0 && found <= limits.headBytes) return found + 4;
  for (let at = bytes.indexOf(LF, from); at >= 0 && at < limits.headBytes; at = bytes.indexOf(LF, at + 1))
    if (bytes[at - 1] !== CR) throw new RefusedMessage(400, 'a line ends without carriage return');
  if (bytes.length > limits.headBytes) throw new RefusedMessage(tooLongStatus(bytes, limits), 'head is too long');
  return -1;
}

const tooLongStatus = (bytes: Buffer, limits: HeadLimits): number => {
  const lineEnd = bytes.indexOf(LF);
  return lineEnd < 0 || lineEnd > limits.targetBytes ? 414 : 431;
};

/** Empty lines before a request line are passed over (RFC 9112 section 2.2). */
export function skipEmptyLines(bytes: Buffer, from = 0): number {
  let at = from;
  while (bytes[at] === CR && bytes[at + 1] === LF) at += 2;
  return at;
}

/** `text` is the head as Latin-1, without the empty line that ends it. */
export function parseRequestHead(text: string, limits: HeadLimits = defaultHeadLimits): RequestHead {
  const lines = text.split('\r\n');
  const [method, rawTarget, minorVersion] = requestLine(lines[0]!, limits);
  const headers = headerLines(lines, limits);
  const { target, authority } = targetOf(method, rawTarget, headers, minorVersion);
  const framing = requestFraming(headers, minorVersion);
  const connection = listOf(headers, 'connection');
  const upgrade = framing.type === 'none' && minorVersion === 1 && connection.includes('upgrade') ? safeUpgrade(headers) : undefined;
  return {
    method,
    target,
    minorVersion,
    headers,
    framing,
    keepAlive: keepsAlive(connection, minorVersion),
    authority,
    host: hostOf(authority),
    ...(upgrade ? { upgrade } : {}),
    expectsContinue: minorVersion === 1 && expects(headers),
  };
}

/** `method` is that of the request answered: it decides whether a body follows. */
export function parseResponseHead(text: string, method: string, limits: HeadLimits = defaultHeadLimits): ResponseHead {
  const lines = text.split('\r\n');
  // oxlint-disable-next-line no-control-regex -- control characters must not pass
  const found = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: ([^\x00-\x08\x0a-\x1f\x7f]*))?$/.exec(lines[0]!);
  if (!found) throw new RefusedMessage(502, 'status line is malformed');
  const status = Number(found[2]);
  const headers = headerLines(lines, limits);
  const framing = responseFraming(headers, method, status);
  const keepAlive = framing.type !== 'until-close' && keepsAlive(listOf(headers, 'connection'), found[1] === '1' ? 1 : 0);
  return { status, reason: found[3] ?? '', headers, framing, keepAlive };
}

function requestLine(line: string, limits: HeadLimits): [method: string, target: string, minorVersion: 0 | 1] {
  const [method = '', target = '', version = '', more] = line.split(' ');
  if (target.length > limits.targetBytes) throw new RefusedMessage(414, 'request target is too long');
  const known = /^HTTP\/\d\.\d$/.test(version) && more === undefined;
  if (!known || !isMethod(method) || !targetPattern.test(target)) throw new RefusedMessage(400, 'request line is malformed');
  if (!/1\.[01]$/.test(version)) throw new RefusedMessage(505, `${version} is not spoken here`);
  if (method === 'CONNECT') throw new RefusedMessage(405, 'CONNECT is not served');
  return [method, target, version === 'HTTP/1.1' ? 1 : 0];
}

export const isMethod = (text: string): boolean => text.length <= 32 && namePattern.test(text);

function headerLines(lines: readonly string[], limits: HeadLimits): Header[] {
  if (lines.length - 1 > limits.headers) throw new RefusedMessage(431, 'too many headers');
  const headers: Header[] = [];
  for (let i = 1; i < lines.length; i++) headers.push(parseHeaderLine(lines[i]!));
  return headers;
}

/** Also refuses folded lines and blanks before the colon: neither can be part of a name. */
export function parseHeaderLine(line: string): Header {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(colon, 0));
  const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '');
  if (colon < 1 || !namePattern.test(name) || badValuePattern.test(value)) throw new RefusedMessage(400, 'header line is malformed');
  return { name, key: name.toLowerCase(), value };
}

/** Absolute form overrides Host (RFC 9112 section 3.2.2), which must be well-formed all the same. */
function targetOf(method: string, target: string, headers: readonly Header[], minorVersion: number): { target: string; authority: string } {
  const named = onlyHost(headers, minorVersion);
  if (target.startsWith('/') || (target === '*' && method === 'OPTIONS')) return { target, authority: named };
  const [, authority, rest = ''] = /^https?:\/\/([^/?#]+)(.*)$/i.exec(target) ?? [];
  if (authority === undefined || !isAuthority(authority)) throw new RefusedMessage(400, 'request target is malformed');
  return { target: rest.startsWith('/') ? rest : `/${rest}`, authority };
}

function onlyHost(headers: readonly Header[], minorVersion: number): string {
  const hosts = headers.filter((header) => header.key === 'host');
  if (hosts.length > 1 || (hosts.length === 0 && minorVersion === 1)) throw new RefusedMessage(400, 'exactly one Host is needed');
  const host = hosts[0]?.value ?? '';
  if (!isAuthority(host)) throw new RefusedMessage(400, 'Host is malformed');
  return host;
}

export const isAuthority = (text: string): boolean => /^(?:[A-Za-z0-9\-._~!$&'()*+;=%]*|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?$/.test(text);

export const hostOf = (authority: string): string => authority.replace(/:\d*$/, '').replace(/\.$/, '').toLowerCase();

const keepsAlive = (connection: readonly string[], minorVersion: number): boolean =>
  !connection.includes('close') && (minorVersion === 1 || connection.includes('keep-alive'));

/** An upgrade to cleartext HTTP/2 would carry requests past every rule: it is ignored, as a server may. */
function safeUpgrade(headers: readonly Header[]): string | undefined {
  const protocol = findHeader(headers, 'upgrade');
  return protocol !== undefined && /^[A-Za-z0-9\-./_]+$/.test(protocol) && !/^h2c?$/i.test(protocol) ? protocol : undefined;
}

function expects(headers: readonly Header[]): boolean {
  const expectation = findHeader(headers, 'expect');
  if (expectation === undefined) return false;
  if (expectation.toLowerCase() !== '100-continue') throw new RefusedMessage(417, 'expectation is not known');
  return true;
}
