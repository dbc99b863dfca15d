// LIST: which snapshot, which objects of it, which page. Pages of one list come from the same revision.
// Rules: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
import { ApiError, badRequest } from '../../../kube/meaning/api-error.ts';
import { forbidden, type FieldError, notSupported } from '../../../kube/meaning/field-error.ts';
import type { KubeObject } from '../../../kube/objects/meta.ts';
import { keyOf, objectKey, type Snapshot } from '../../../kube/store/store.ts';
import type { Api } from '../api.ts';
import type { Answer, ApiRequest } from '../request.ts';
import type { Target } from '../router.ts';
import { encodedAnswer, protobufAnswer, tableWish } from '../wire/answers.ts';
import { negotiate } from '../wire/negotiate.ts';
import { printPartialProtobufList, printProtobufList, speaksProtobuf } from '../wire/print-protobuf.ts';
import { type ListMeta, printList, printPartialList } from '../wire/print.ts';
import { type Selection, selectionOf } from '../wire/selectors.ts';
import { printTable } from '../wire/table.ts';
import { type ContinueToken, printContinue, readContinue } from './continue-token.ts';
import { reachVersion, readVersion, snapshotAt } from './resource-version.ts';
import { optionsError } from './write-options.ts';

export interface Page {
  items: readonly KubeObject[];
  meta: ListMeta;
}

export async function listObjects(api: Api, request: ApiRequest, target: Target): Promise<Answer> {
  const wanted = negotiate(request.headers.accept, speaksProtobuf(target.resource));
  const { items, meta } = await readPage(api, request, target);
  const { resource } = target;
  const { form, encoding } = wanted;
  if (form.shape === 'table') {
    const wish = { ...tableWish(request, form.version, api.now()), metadata: meta };
    return encodedAnswer(printTable(resource, items, wish), wanted);
  }
  if (encoding === 'protobuf') {
    return protobufAnswer(form.shape === 'object' ? printProtobufList(resource, items, meta) : printPartialProtobufList(items, meta, form.version));
  }
  return encodedAnswer(form.shape === 'object' ? printList(resource, items, meta) : printPartialList(items, meta, form.version), wanted);
}

/** All objects the request selects, or one page of them. Throws ApiError 400, 410, 422, 504. */
async function readPage(api: Api, request: ApiRequest, target: Target): Promise<Page> {
  const { query } = request;
  refuseListOptions(query);
  const limit = readLimit(query.get('limit'));
  const token = query.get('continue') ? readContinue(query.get('continue')!) : undefined;
  if (token && query.get('resourceVersion')) throw badRequest('specifying resource version is not allowed when using continue');
  const selection = selectionOf(target.resource, query);
  const seen = token ? await continuedSnapshot(api, token, request.stop) : await listSnapshot(api, query, { limit, stop: request.stop });
  const all = selectObjects(seen, target, selection);
  // "Any version" is answered from memory and never paged, as upstream's cache does.
  const pageSize = query.get('resourceVersion') === '0' && !token ? 0 : limit;
  return pageOf(all, { start: token?.start, limit: pageSize, revision: seen.revision, counted: !selection.selects });
}

/** The objects of a snapshot that lie in the target's namespace and are selected, in the store's order. */
export function selectObjects(seen: Snapshot, target: Pick<Target, 'resource' | 'namespace'>, selection: Selection): readonly KubeObject[] {
  const { resource, namespace } = target;
  if (selection.onlyName !== undefined && (namespace !== undefined || !resource.kind.namespaced)) {
    const one = seen.get(resource.stored, selection.onlyName, namespace);
    return one && selection.selects!(one) ? [one] : [];
  }
  const all = seen.list(resource.stored);
  const within = namespace === undefined ? all : ofNamespace(all, namespace);
  return selection.selects ? within.filter(selection.selects) : within;
}

/** Objects are ordered by namespace: those of one lie together. */
function ofNamespace(all: readonly KubeObject[], namespace: string): readonly KubeObject[] {
  const first = all.findIndex((object) => object.metadata.namespace === namespace);
  if (first === -1) return [];
  let end = first;
  while (all[end]?.metadata.namespace === namespace) end += 1;
  return all.slice(first, end);
}

/** `counted`: how many remain is told only where no selector makes that a guess. */
function pageOf(all: readonly KubeObject[], about: { start?: string; limit: number; revision: number; counted: boolean }): Page {
  const { start, limit, revision, counted } = about;
  const rest = start === undefined ? all : all.filter((object) => objectKey(object) >= start);
  const meta: ListMeta = { resourceVersion: String(revision) };
  if (limit === 0 || rest.length <= limit) return { items: rest, meta };
  const next = rest[limit]!;
  meta.continue = printContinue({ revision, start: keyOf(next.metadata.name, next.metadata.namespace) });
  if (counted) meta.remainingItemCount = rest.length - limit;
  return { items: rest.slice(0, limit), meta };
}

/** A version with a limit means exactly that version, so that the pages after it fit; else not older than it. */
async function listSnapshot(api: Api, query: URLSearchParams, about: { limit: number; stop: AbortSignal }): Promise<Snapshot> {
  const version = readVersion(query.get('resourceVersion'));
  const match = query.get('resourceVersionMatch');
  if (!version) return api.store.snapshot();
  const exact = match === 'Exact' || (!match && about.limit > 0);
  return exact ? snapshotAt(api, version, about.stop) : reachVersion(api, version, about.stop);
}

async function continuedSnapshot(api: Api, token: ContinueToken, stop: AbortSignal): Promise<Snapshot> {
  // A negative revision marks a token that goes on at the newest state, inconsistent with the pages before it.
  if (token.revision < 0) return api.store.snapshot();
  try {
    return await snapshotAt(api, token.revision, stop);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 410) throw error;
    const fresh = printContinue({ revision: -1, start: token.start });
    const message =
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.';
    throw new ExpiredContinue(message, fresh);
  }
}

/** A 410 that offers a way on: the server prints `token` as metadata.continue. */
export class ExpiredContinue extends ApiError {
  readonly token: string;
  constructor(message: string, token: string) {
    super(410, 'Expired', message);
    this.token = token;
  }
}

function readLimit(text: string | null): number {
  const limit = Number(text ?? 0);
  return Number.isInteger(limit) && limit > 0 ? limit : 0;
}

const matches = ['Exact', 'NotOlderThan', ''];

function refuseListOptions(query: URLSearchParams): void {
  const errors: FieldError[] = [];
  const match = query.get('resourceVersionMatch');
  const version = query.get('resourceVersion');
  if (match && !version) errors.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'));
  if (match && query.get('continue')) errors.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'));
  if (match && !matches.includes(match)) errors.push(notSupported('resourceVersionMatch', match, matches));
  if (match === 'Exact' && version === '0') {
    errors.push(forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'));
  }
  if (query.get('sendInitialEvents')) errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  if (errors.length > 0) throw optionsError('ListOptions', errors);
}

