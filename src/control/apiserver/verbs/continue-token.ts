// Where a paged list goes on: the revision all its pages come from and the key of the next object.
// Opaque to clients; the same encoding as upstream (base64url of JSON) so that people can read it when debugging.
import { badRequest } from '../../../kube/meaning/api-error.ts';

export interface ContinueToken {
  /** Negative: the newest there is. */
  revision: number;
  start: string;
}

export const printContinue = ({ revision, start }: ContinueToken): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start })).toString('base64url');

export function readContinue(text: string): ContinueToken {
  try {
    const { v, rv, start } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
    if (v === 'meta.k8s.io/v1' && Number.isInteger(rv) && typeof start === 'string') return { revision: rv as number, start };
  } catch {
    // Not JSON: refused below like any other wrong token.
  }
  throw badRequest('continue key is not valid: invalid continue token');
}
