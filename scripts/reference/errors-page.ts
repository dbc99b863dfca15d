// docs/reference/errors.md: the ways a request is refused, each as the server would print it for an example.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as apiErrors from '../../src/kube/meaning/api-error.ts';
import type { ApiError } from '../../src/kube/meaning/api-error.ts';
import { required } from '../../src/kube/meaning/field-error.ts';
import { serviceKind } from '../../src/kube/kinds/service.ts';
import { code, printPage, printTable } from './markdown.ts';

const about = `A refused request answers a \`Status\` object. Clients decide by \`code\` and \`reason\`; the message is for people.
Those that several places share are made in \`src/kube/meaning/api-error.ts\`; the messages here are for a Service called \`web\`.`;

const home = join(import.meta.dirname, '../..');

type Refusals = Omit<typeof apiErrors, 'ApiError' | 'groupOf'>;

/** What each refusal means, and one of its kind. A refusal that is not listed here does not compile. */
const refusals: { readonly [Name in keyof Refusals]: readonly [when: string, example: ApiError] } = {
  badRequest: ['the request makes no sense: broken body, wrong parameter, name and path differ', apiErrors.badRequest('the name of the object (a) does not match the name on the URL (b)')],
  unauthorizedError: ['the credentials are not known', apiErrors.unauthorizedError()],
  forbiddenError: ['the user may not, or the cluster’s state forbids it', apiErrors.forbiddenError(serviceKind, 'web', 'unable to create new content in namespace old because it is being terminated')],
  notFoundError: ['there is no such object', apiErrors.notFoundError(serviceKind, 'web')],
  unknownResourceError: ['there is no such resource or path', apiErrors.unknownResourceError()],
  methodNotAllowed: ['the resource exists, but not with this verb', apiErrors.methodNotAllowed()],
  alreadyExistsError: ['the name is taken', apiErrors.alreadyExistsError(serviceKind, 'web')],
  conflictError: ['somebody was faster: read again, change again', apiErrors.conflictError(serviceKind, 'web')],
  preconditionError: ['a uid or resourceVersion named in the request is not the object’s', apiErrors.preconditionError(serviceKind, 'web', 'Precondition failed: UID in precondition: a, UID in object meta: b')],
  expiredError: ['the resourceVersion or continue token is too old: list anew', apiErrors.expiredError('The resourceVersion for the provided list is too old.')],
  invalidError: ['fields have values that are not allowed; `details.causes` names each', apiErrors.invalidError(serviceKind, 'web', [required('spec.ports')])],
  futureVersionError: ['the resourceVersion is one that does not exist yet', apiErrors.futureVersionError(9, 7)],
  internalError: ['a bug: please report it with the server’s log', apiErrors.internalError('…')],
};

const roomOf = (path: string): string => `${path.split('/').slice(0, 3).join('/')}/`;

/** Refusals that only one place knows: code, reason and the room, as the source says them. */
function ownRefusals(): string[][] {
  const files = globSync('src/**/*.ts', { cwd: home }).filter((path) => !path.endsWith('.test.ts') && path !== 'src/kube/meaning/api-error.ts');
  const found = files.flatMap((path) =>
    [...readFileSync(join(home, path), 'utf8').matchAll(/new ApiError\(\s*(\d{3}),\s*'(\w+)'/g)].map(([, number, reason]) => [number!, code(reason!), code(roomOf(path))]),
  );
  const rows = new Map(found.map((row) => [row.join(' '), row]));
  return [...rows.keys()].toSorted().map((key) => rows.get(key)!);
}

export function errorsPage(): string {
  const rows = Object.entries(refusals)
    .map(([name, [when, { code: number, reason, message }]]) => [String(number), code(reason), when, message, code(name)])
    .toSorted((a, b) => Number(a[0]) - Number(b[0]));
  const shared = printTable(['code', 'reason', 'when', 'message', 'made by'], rows);
  return printPage('API errors', about, shared, '## Made in one place only', printTable(['code', 'reason', 'where'], ownRefusals()));
}
