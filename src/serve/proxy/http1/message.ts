// The parts of an HTTP message as both sides of the proxy speak of them, and how a refused message is told.

export interface Header {
  /** As it was written; forwarded unchanged. */
  readonly name: string;
  /** The name in lower case. */
  readonly key: string;
  /** Latin-1: one character per byte, so that bytes pass unchanged. */
  readonly value: string;
}

/** How the end of a body is known (RFC 9112 section 6). */
export type Framing =
  | { readonly type: 'none' }
  | { readonly type: 'length'; readonly bytes: number }
  | { readonly type: 'chunked' }
  | { readonly type: 'until-close' };

export interface RequestHead {
  readonly method: string;
  /** Origin form (`/path?query`) or `*`. */
  readonly target: string;
  readonly minorVersion: 0 | 1;
  readonly headers: readonly Header[];
  readonly framing: Framing;
  readonly keepAlive: boolean;
  /** Host as the client wrote it, port included; '' when absent. */
  readonly authority: string;
  /** Lower case, without port and final dot. */
  readonly host: string;
  /** The protocol of an upgrade that may be passed on. */
  readonly upgrade?: string;
  readonly expectsContinue: boolean;
}

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly Header[];
  readonly framing: Framing;
  readonly keepAlive: boolean;
}

/** A message that must not be passed on. `status` is what a client is told; an upstream's fault always becomes 502. */
export class RefusedMessage extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface HeadLimits {
  readonly headBytes: number;
  readonly targetBytes: number;
  readonly headers: number;
}

export const defaultHeadLimits: HeadLimits = { headBytes: 64 * 1024, targetBytes: 16 * 1024, headers: 200 };

export const noBody: Framing = { type: 'none' };

export const namePattern = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** Control characters other than tab: never in a value (RFC 9110 section 5.5). */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
export const badValuePattern = /[\x00-\x08\x0a-\x1f\x7f]/;
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
export const targetPattern = /^[^\x00-\x20\x7f]+$/;

export function findHeader(headers: readonly Header[], key: string): string | undefined {
  return headers.find((header) => header.key === key)?.value;
}

/** The members of a comma list over all headers of this name, in lower case. */
export function listOf(headers: readonly Header[], key: string): string[] {
  const found: string[] = [];
  for (const header of headers) if (header.key === key) for (const item of header.value.split(',')) found.push(item.trim().toLowerCase());
  return found;
}
