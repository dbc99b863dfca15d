import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { createBodyReader } from './body.ts';
import { findHeadEnd, parseRequestHead, parseResponseHead } from './head.ts';
import { RefusedMessage } from './message.ts';

const statusOf = (run: () => unknown): number => {
  try {
    run();
    return 0;
  } catch (error) {
    if (error instanceof RefusedMessage) return error.status;
    throw error;
  }
};

/** What a client would be told: 0 = accepted. Works on the whole message as it would arrive. */
const verdict = (text: string): number =>
  statusOf(() => {
    const bytes = Buffer.from(text, 'latin1');
    const end = findHeadEnd(bytes, 0);
    if (end < 0) throw new RefusedMessage(408, 'incomplete');
    const head = parseRequestHead(bytes.toString('latin1', 0, end - 4));
    const body = createBodyReader(head.framing);
    body.read(bytes, end, () => {});
    if (!body.done) throw new RefusedMessage(408, 'incomplete');
  });

const post = (headers: string, body = '') => `POST / HTTP/1.1\r\nHost: x\r\n${headers}\r\n${body}`;

// Ways in which two readers of one message have been made to disagree (RFC 9112 section 11.2 and published attacks).
const refused: [why: string, message: string, status: number][] = [
  ['length and coding together', post('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 400],
  ['coding before length', post('Transfer-Encoding: chunked\r\nContent-Length: 3\r\n', '0\r\n\r\n'), 400],
  ['two different lengths', post('Content-Length: 3\r\nContent-Length: 4\r\n', 'abcd'), 400],
  ['two equal lengths', post('Content-Length: 3\r\nContent-Length: 3\r\n', 'abc'), 400],
  ['a list of lengths', post('Content-Length: 3, 3\r\n', 'abc'), 400],
  ['a signed length', post('Content-Length: +3\r\n', 'abc'), 400],
  ['a negative length', post('Content-Length: -1\r\n'), 400],
  ['a hexadecimal length', post('Content-Length: 0x3\r\n', 'abc'), 400],
  ['an empty length', post('Content-Length: \r\n'), 400],
  ['a length beyond what counts exactly', post('Content-Length: 9999999999999999999\r\n'), 400],
  ['a blank inside a length', post('Content-Length: 3 3\r\n', 'abc'), 400],
  ['a coding besides chunked', post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'), 501],
  ['chunked twice', post('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n'), 501],
  ['chunked on two lines', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'), 501],
  ['chunked not last', post('Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n'), 400],
  ['a misspelt coding', post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'), 400],
  ['a vertical tab before the coding', post('Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n'), 400],
  ['a quoted coding', post('Transfer-Encoding: "chunked"\r\n', '0\r\n\r\n'), 400],
  ['an empty coding', post('Transfer-Encoding:\r\n'), 400],
  ['a coding in HTTP/1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
  ['a blank before the colon', post('Content-Length : 3\r\n', 'abc'), 400],
  ['a tab before the colon', post('Transfer-Encoding\t: chunked\r\n', '0\r\n\r\n'), 400],
  ['a folded line', post('X: a\r\n b\r\n'), 400],
  ['a first header that begins with a blank', 'GET / HTTP/1.1\r\n Host: x\r\n\r\n', 400],
  ['a bare LF after the request line', 'GET / HTTP/1.1\nHost: x\r\n\r\n', 400],
  ['a bare LF after a header', 'GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n', 400],
  ['a bare LF as empty line', 'GET / HTTP/1.1\r\nHost: x\r\n\n', 400],
  ['a bare CR in a value', 'GET / HTTP/1.1\r\nHost: x\r\nX: a\rContent-Length: 5\r\n\r\n', 400],
  ['a NUL in a value', post('X: a\x00b\r\n'), 400],
  ['a header without colon', post('Nonsense\r\n'), 400],
  ['a header without name', post(': x\r\n'), 400],
  ['a name with forbidden characters', post('X(y): z\r\n'), 400],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
  ['a Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
  ['a Host with user info', 'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n', 400],
  ['a bad Host beside an absolute target', 'GET http://a/ HTTP/1.1\r\nHost: a@b\r\n\r\n', 400],
  ['a target that is no path', 'GET foo HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['a target of another scheme', 'GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['a target with a control character', 'GET /a\x7fb HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['two blanks in the request line', 'GET  / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['a tab in the request line', 'GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['a target with blanks', 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n', 400],
  ['HTTP/0.9', 'GET /\r\n\r\n', 400],
  ['a version in lower case', 'GET / http/1.1\r\nHost: x\r\n\r\n', 400],
  ['HTTP/2 in plain text', 'PRI * HTTP/2.0\r\n\r\n', 505],
  ['CONNECT', 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n', 405],
  ['an unknown expectation', 'GET / HTTP/1.1\r\nHost: x\r\nExpect: more\r\n\r\n', 417],
  ['a chunk size with sign', post('Transfer-Encoding: chunked\r\n', '+3\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk size with 0x', post('Transfer-Encoding: chunked\r\n', '0x3\r\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk size with blanks', post('Transfer-Encoding: chunked\r\n', '3 \r\nabc\r\n0\r\n\r\n'), 400],
  ['an endless chunk size', post('Transfer-Encoding: chunked\r\n', 'fffffffffffffffff\r\n'), 400],
  ['a chunk size line ended by LF', post('Transfer-Encoding: chunked\r\n', '3\nabc\r\n0\r\n\r\n'), 400],
  ['a chunk longer than its size', post('Transfer-Encoding: chunked\r\n', '3\r\nabcd\r\n0\r\n\r\n'), 400],
  ['a chunk ended by LF', post('Transfer-Encoding: chunked\r\n', '3\r\nabc\n0\r\n\r\n'), 400],
  ['a CR in a chunk extension', post('Transfer-Encoding: chunked\r\n', '3;a\rb\r\nabc\r\n0\r\n\r\n'), 400],
  ['a trailer without colon', post('Transfer-Encoding: chunked\r\n', '0\r\nnonsense\r\n\r\n'), 400],
  ['a target beyond 16 KiB', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 414],
  ['an endless request line', `GET /${'a'.repeat(80_000)}`, 414],
  ['a head beyond 64 KiB', post(`X: ${'a'.repeat(70_000)}\r\n`), 431],
  ['too many headers', post('X: y\r\n'.repeat(300)), 431],
];

for (const [why, message, status] of refused) test(`${status}: ${why}`, () => assert.equal(verdict(message), status));

const accepted: [what: string, message: string][] = [
  ['the plainest request', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
  ['HTTP/1.0 without Host', 'GET / HTTP/1.0\r\n\r\n'],
  ['an IPv6 Host with port', 'GET / HTTP/1.1\r\nHost: [fd00::1]:80\r\n\r\n'],
  ['OPTIONS *', 'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['Latin-1 in a value', 'GET / HTTP/1.1\r\nHost: x\r\nX: caf\xe9\r\n\r\n'],
  ['no blank after the colon, tabs after the value', 'GET / HTTP/1.1\r\nHost:x\t\r\nX:\t y \r\n\r\n'],
  ['Chunked in any case, with extensions and trailers', post('Transfer-Encoding: CHUNKED\r\n', 'A;a=b;c="d"\r\n0123456789\r\n0\r\nX: y\r\n\r\n')],
  ['a large head within the limit', post(`X: ${'a'.repeat(60_000)}\r\n`)],
];

for (const [what, message] of accepted) test(`accepted: ${what}`, () => assert.equal(verdict(message), 0));

test('the absolute form overrides Host', () => {
  const head = parseRequestHead('GET http://A.com:81?q HTTP/1.1\r\nHost: b.com');
  assert.deepEqual([head.authority, head.host, head.target], ['A.com:81', 'a.com', '/?q']);
});

test('a response: without framing headers it ends with the connection; 204, 304, 1xx and HEAD have no body', () => {
  const framing = (line: string, method = 'GET') => parseResponseHead(line, method).framing.type;
  assert.equal(framing('HTTP/1.1 200 OK'), 'until-close');
  assert.equal(framing('HTTP/1.1 200'), 'until-close');
  assert.equal(framing('HTTP/1.1 204 No Content\r\nContent-Length: 3'), 'none');
  assert.equal(framing('HTTP/1.1 304 Not Modified\r\nContent-Length: 3'), 'none');
  assert.equal(framing('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked', 'HEAD'), 'none');
});

// --- Against Node's own parser -------------------------------------------------------------------------------------

interface Heard { method: string; url: string; headers: string[]; body: string; complete: boolean }

// The parser behind node:http. Internal, hence only here: a judge that is not ours.
const { HTTPParser, methods } = createRequire(import.meta.url)('_http_common') as {
  HTTPParser: { new (): Record<number | string, unknown> & { initialize(type: number, owner: object): void; execute(bytes: Buffer): unknown }; REQUEST: number; kOnHeadersComplete: number; kOnHeaders: number; kOnBody: number; kOnMessageComplete: number };
  methods: string[];
};

/** What Node hears in these bytes; undefined = it refuses them. Stops after the first message. */
function nodeHears(bytes: Buffer): Heard | undefined {
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.REQUEST, {});
  const heard: Heard = { method: '', url: '', headers: [], body: '', complete: false };
  parser[HTTPParser.kOnHeadersComplete] = (...[, , headers, method, url]: [number, number, string[], number, string]) => {
    if (!heard.complete) Object.assign(heard, { method: methods[method], url, headers });
  };
  // Trailers; ours are not among the headers either.
  parser[HTTPParser.kOnHeaders] = () => {};
  parser[HTTPParser.kOnBody] = (body: Buffer) => void (heard.complete || (heard.body += body.toString('latin1')));
  parser[HTTPParser.kOnMessageComplete] = () => (heard.complete = true);
  const result = parser.execute(bytes);
  return result instanceof Error && !heard.complete ? undefined : heard;
}

function weHear(bytes: Buffer): Heard | undefined {
  const end = findHeadEnd(bytes, 0);
  if (end < 0) return undefined;
  const head = parseRequestHead(bytes.toString('latin1', 0, end - 4));
  const reader = createBodyReader(head.framing);
  let body = '';
  reader.read(bytes, end, (payload) => (body += payload.toString('latin1')));
  return { method: head.method, url: head.target, headers: head.headers.flatMap(({ name, value }) => [name, value]), body, complete: reader.done };
}

const token = fc.constantFrom('Host', 'Content-Length', 'Transfer-Encoding', 'X', 'Connection', 'x-y', 'content-length', 'X ', ' X', 'X\t', '');
const value = fc.oneof(fc.constantFrom('x', '3', '5', '0', '03', 'chunked', 'Chunked', 'gzip, chunked', 'close', '', '3, 3', '+3', 'a\tb'), fc.string({ unit: fc.constantFrom('a', ' ', '\t', '\x00', '\x0b', '\xe9', ',', ';', '\r', '\n'), maxLength: 6 }));
const lineEnd = fc.oneof({ weight: 20, arbitrary: fc.constant('\r\n') }, fc.constantFrom('\n', '\r', '\r\r\n', '\r\n '));
const colon = fc.oneof({ weight: 10, arbitrary: fc.constant(': ') }, fc.constantFrom(':', ' : ', ':\t', ''));
const line = fc.tuple(token, colon, value, lineEnd).map((parts) => parts.join(''));
const start = fc.oneof(
  { weight: 10, arbitrary: fc.constantFrom('GET / HTTP/1.1\r\n', 'POST /a?b HTTP/1.1\r\n', 'PUT /x HTTP/1.0\r\n') },
  fc.constantFrom('GET  / HTTP/1.1\r\n', 'GET /a b HTTP/1.1\r\n', 'GET / HTTP/1.1\n', 'GET / HTTP/1.2\r\n', 'GET /\x01 HTTP/1.1\r\n'),
);
const bodies = fc.constantFrom('', 'abc', 'abcde', '0\r\n\r\n', '3\r\nabc\r\n0\r\n\r\n', '3\nabc\r\n0\r\n\r\n', '3;e\r\nabc\r\n0\r\nX: y\r\n\r\n', '3 \r\nabc\r\n0\r\n\r\n', '03\r\nabcd\r\n0\r\n\r\n', '3\r\nabc0\r\n\r\n', '0\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n');
const message = fc.tuple(start, fc.array(line, { maxLength: 4 }), fc.constantFrom('Host: x\r\n', ''), bodies).map(([first, lines, host, body]) => `${first}${host}${lines.join('')}\r\n${body}`);

// Method names of our own choice are left out: Node knows a fixed list.
test('whatever we accept, Node accepts and understands alike: method, target, headers, body', () => {
  fc.assert(
    fc.property(message, (text) => {
      const bytes = Buffer.from(text, 'latin1');
      let ours: Heard | undefined;
      if (statusOf(() => (ours = weHear(bytes))) !== 0 || !ours) return;
      assert.deepEqual(ours, nodeHears(bytes), JSON.stringify(text));
    }),
    { numRuns: 5_000 },
  );
});

test('a message read in pieces is read as the whole', () => {
  fc.assert(
    fc.property(message, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 30 }), (text, sizes) => {
      const bytes = Buffer.from(text, 'latin1');
      let whole: Heard | undefined;
      if (statusOf(() => (whole = weHear(bytes))) !== 0 || !whole) return;
      const end = findHeadEnd(bytes, 0);
      for (let have = 1, scanned = 0; have < end; scanned = have, have += sizes[have % sizes.length]!) assert.equal(findHeadEnd(bytes.subarray(0, have), scanned), -1);
      const reader = createBodyReader(parseRequestHead(bytes.toString('latin1', 0, end - 4)).framing);
      let body = '';
      for (let at = end, i = 0; at < bytes.length && !reader.done; i++) at = reader.read(bytes.subarray(0, at + sizes[i % sizes.length]!), at, (payload) => (body += payload.toString('latin1')));
      assert.deepEqual({ body, complete: reader.done }, { body: whole.body, complete: whole.complete });
    }),
    { numRuns: 2_000 },
  );
});
