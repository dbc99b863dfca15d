// Request bodies: JSON, YAML or protobuf → object. An absent Content-Type means JSON (kubectl's PUT …/scale has none).
import { ApiError, badRequest } from '../../../kube/meaning/api-error.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import { type ApiRequest, readBody } from '../request.ts';
import { parseMediaType } from './negotiate.ts';
import { parseJsonText } from '../../../kube/wire/json-text.ts';
import { decodeProtobuf } from '../../../kube/wire/protobuf.ts';
import { parseYamlText } from '../../../kube/wire/yaml-text.ts';

export interface DecodedBody {
  value: Record<string, unknown>;
  /** The JSON as sent, where it was JSON: duplicate keys can only be seen there. */
  text?: string;
}

export const contentType = (request: ApiRequest): string => parseMediaType(request.headers['content-type'] ?? '').type;

export const unsupportedMediaType = (accepted: readonly string[]): ApiError =>
  new ApiError(
    415,
    'UnsupportedMediaType',
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );

const bodyTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'];

/** Reads the body as one object; `expected` is the Kind named in complaints. Throws ApiError 400, 413, 415. */
export async function decodeBody(request: ApiRequest, expected: string): Promise<DecodedBody> {
  const type = contentType(request);
  if (type !== '' && !bodyTypes.includes(type)) throw unsupportedMediaType(bodyTypes);
  const bytes = await readBody(request);
  if (type === 'application/vnd.kubernetes.protobuf') return { value: decodeProtobuf(bytes) as unknown as Record<string, unknown> };
  if (type === 'application/yaml') return { value: record(parseYaml(bytes.toString()), expected) };
  const text = bytes.toString();
  return { value: record(parseJson(text, expected), expected), text };
}

export function parseJson(text: string, expected: string): unknown {
  try {
    return parseJsonText(text);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    const why = text.trim() === '' ? 'unexpected end of JSON input' : (error as Error).message;
    const shown = text.slice(0, 128);
    const unrecognized = `the object provided is unrecognized (must be of type ${expected})`;
    throw badRequest(`${unrecognized}: couldn't get version/kind; json parse error: ${why} (${shown})`);
  }
}

export const parseYaml = parseYamlText;

function record(value: unknown, expected: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  const kind = Array.isArray(value) ? 'array' : typeof value;
  throw badRequest(`couldn't get version/kind; json parse error: json: cannot unmarshal ${kind} into Go value of type ${expected}`);
}

/** Bodies may leave out kind and apiVersion (some clients do); a different kind is refused. */
export function typedAs(value: Record<string, unknown>, apiVersion: string, kind: string): KubeObject {
  const given = { apiVersion: value['apiVersion'] || apiVersion, kind: value['kind'] || kind };
  if (given.kind !== kind || given.apiVersion !== apiVersion) {
    const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
    const why = `no kind "${kind}" is registered for version "${String(given.apiVersion)}"`;
    const found = given.kind === kind ? why : `converting (${String(given.apiVersion)}.${String(given.kind)}) to (${kind}): unknown conversion`;
    throw badRequest(`${String(given.kind)} in version "${version}" cannot be handled as a ${kind}: ${found}`);
  }
  const metadata = value['metadata'];
  if (metadata !== undefined && metadata !== null && (typeof metadata !== 'object' || Array.isArray(metadata))) {
    throw badRequest(`${kind} in version "${apiVersion}" cannot be handled as a ${kind}: json: cannot unmarshal ${typeof metadata} into Go struct field ${kind}.metadata of type v1.ObjectMeta`);
  }
  return { ...value, apiVersion, kind, metadata: { ...(metadata as object | undefined) } } as KubeObject;
}
