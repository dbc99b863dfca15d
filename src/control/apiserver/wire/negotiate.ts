// Reads `Accept`: an ordered list, of which the first clause that can be answered wins (q-values are not weighed,
// as upstream does not).
import { ApiError } from '../../../kube/meaning/api-error.ts';

export type Form =
  | { shape: 'object' }
  | { shape: 'partial'; version: string }
  | { shape: 'table'; version: string };

export interface Wanted {
  encoding: 'json' | 'yaml' | 'protobuf';
  form: Form;
}

export interface MediaType {
  type: string;
  parameters: ReadonlyMap<string, string>;
}

export function parseMediaType(clause: string): MediaType {
  const [type, ...rest] = clause.split(';');
  const pairs = rest.map((part) => {
    const at = part.indexOf('=');
    return [part.slice(0, at).trim().toLowerCase(), part.slice(at + 1).trim()] as const;
  });
  return { type: type!.trim().toLowerCase(), parameters: new Map(pairs) };
}

export const parseAccept = (accept: string | undefined): MediaType[] =>
  accept?.trim() ? accept.split(',').map(parseMediaType) : [{ type: '*/*', parameters: new Map() }];

const jsonTypes = new Set(['application/json', '*/*', 'application/*', 'text/html']);
const protobufType = 'application/vnd.kubernetes.protobuf';

function formOf({ parameters }: MediaType): Form | undefined {
  const as = parameters.get('as');
  if (as === undefined) return { shape: 'object' };
  const version = parameters.get('v') ?? 'v1';
  if (parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined;
  if (as === 'Table') return { shape: 'table', version };
  if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { shape: 'partial', version };
  return undefined;
}

function wantedBy(clause: MediaType, protobuf: boolean): Wanted | undefined {
  const form = formOf(clause);
  if (form && jsonTypes.has(clause.type)) return { encoding: 'json', form };
  if (form?.shape === 'object' && clause.type === 'application/yaml') return { encoding: 'yaml', form };
  // Tables are JSON only; metadata alone can be protobuf whatever it is taken from.
  if (clause.type === protobufType && (form?.shape === 'partial' || (form?.shape === 'object' && protobuf))) return { encoding: 'protobuf', form };
  return undefined;
}

/** `protobuf`: whether what is answered has that form. Throws ApiError 406 when no clause can be answered. */
export function negotiate(accept: string | undefined, protobuf = false): Wanted {
  for (const clause of parseAccept(accept)) {
    const wanted = wantedBy(clause, protobuf);
    if (wanted) return wanted;
  }
  const types = `application/json, application/yaml${protobuf ? `, ${protobufType}` : ''}`;
  throw new ApiError(406, 'NotAcceptable', `only the following media types are accepted: ${types}`);
}
