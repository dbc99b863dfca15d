// Answers with one object, in the form the client asked for.
import { dump, load } from 'js-yaml';
import type { ApiError } from '../../../kube/meaning/api-error.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import type { Resource } from '../registry.ts';
import type { Answer, ApiRequest } from '../request.ts';
import { negotiate, type Wanted } from './negotiate.ts';
import { printPartialProtobuf, printProtobuf, speaksProtobuf } from './print-protobuf.ts';
import { printObject, printPartial } from './print.ts';
import { printTable, type TableWish } from './table.ts';

const includes = new Set(['Metadata', 'None', 'Object']);

export function tableWish(request: ApiRequest, version: string, now: Date): TableWish {
  const asked = request.query.get('includeObject') ?? '';
  return { version, now, includeObject: (includes.has(asked) ? asked : 'Metadata') as TableWish['includeObject'] };
}

function printAs(request: ApiRequest, resource: Resource, about: { stored: KubeObject; wanted: Wanted; now: Date }): string {
  const { stored, wanted, now } = about;
  const { form } = wanted;
  if (form.shape === 'partial') return printPartial(stored, form.version);
  if (form.shape === 'object') return printObject(resource, stored);
  const metadata = { resourceVersion: stored.metadata.resourceVersion ?? '' };
  return printTable(resource, [stored], { ...tableWish(request, form.version, now), metadata });
}

export function encodedAnswer(json: string, wanted: Wanted, code = 200): Answer {
  if (wanted.encoding === 'json') return { code, headers: { 'content-type': 'application/json' }, body: json };
  return { code, headers: { 'content-type': 'application/yaml' }, body: dump(load(json), { noRefs: true, lineWidth: -1 }) };
}

export const protobufAnswer = (body: Uint8Array, code = 200): Answer => ({ code, headers: { 'content-type': 'application/vnd.kubernetes.protobuf' }, body });

/** Throws ApiError 406. */
export function objectAnswer(request: ApiRequest, resource: Resource, about: { stored: KubeObject; now: Date; code?: number }): Answer {
  const wanted = negotiate(request.headers.accept, speaksProtobuf(resource));
  const { encoding, form } = wanted;
  if (encoding === 'protobuf') {
    const { stored, code } = about;
    return protobufAnswer(form.shape === 'object' ? printProtobuf(resource, stored) : printPartialProtobuf(stored, form.version), code);
  }
  return encodedAnswer(printAs(request, resource, { ...about, wanted }), wanted, about.code);
}

/** An error as clients read it (meta/v1 Status). */
export const statusOf = ({ message, reason, details, code }: ApiError) => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message,
  reason,
  ...(details && { details }),
  code,
});

export function errorAnswer(error: ApiError): Answer {
  const retry = error.details?.retryAfterSeconds;
  return {
    code: error.code,
    headers: { 'content-type': 'application/json', ...(retry !== undefined && { 'retry-after': String(retry) }) },
    body: JSON.stringify(statusOf(error)),
  };
}

/** `{"status":"Success"}`, with what it was done to. */
export const successAnswer = (details?: Record<string, string>, code = 200): Answer => ({
  code,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', ...(details && { details }) }),
});
