// The audit log: who asked for what, and how it was answered, one JSON line a request (audit.k8s.io/v1, level Metadata).
// Bodies and headers never enter it, so that no secret can.
import { createWriteStream } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { logFor } from '../../base/run/log.ts';
import { groupOf } from '../../kube/meaning/api-error.ts';
import type { User } from './identity/user.ts';
import type { ApiRequest } from './request.ts';
import { parseResourcePath } from './router.ts';

export interface AuditLog {
  write(line: string): void;
  close(): Promise<void>;
}

const log = logFor('audit');

/** Appends; readable by its owner only. */
export function openAuditLog(path: string): AuditLog {
  const file = createWriteStream(path, { flags: 'a', mode: 0o600 });
  file.on('error', (err) => log.error({ err, path }, 'the audit log cannot be written'));
  return {
    write: (line) => void file.write(line),
    close: () => new Promise((resolve) => file.end(() => resolve())),
  };
}

/** The client's own, where it sends one that fits a line: its log and ours then name the same request. */
export function auditIdOf(headers: ApiRequest['headers']): string {
  const given = headers['audit-id'];
  return typeof given === 'string' && /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
}

export interface Audited {
  readonly id: string;
  readonly request: ApiRequest;
  /** As the credentials say; the request's user may be impersonated. */
  readonly by: User;
  readonly code: number;
  readonly received: Date;
  readonly stage: 'ResponseStarted' | 'ResponseComplete';
  readonly now: Date;
}

const verbs: Readonly<Record<string, string>> = { GET: 'get', HEAD: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

function verbOf({ method, query }: ApiRequest, path: ReturnType<typeof parseResourcePath>): string {
  if (!path) return method.toLowerCase();
  if (method === 'GET' && (path.watch || query.get('watch') === 'true' || query.get('watch') === '1')) return 'watch';
  if (path.name) return verbs[method] ?? method.toLowerCase();
  if (method === 'GET') return 'list';
  return method === 'DELETE' ? 'deletecollection' : (verbs[method] ?? method.toLowerCase());
}

function objectRef(path: ReturnType<typeof parseResourcePath>) {
  if (!path) return {};
  const { plural: resource, namespace, name, subresource, apiVersion } = path;
  const group = groupOf(apiVersion);
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
  return { objectRef: { resource, ...(namespace && { namespace }), ...(name && { name }), ...(group && { apiGroup: group }), apiVersion: version, ...(subresource && { subresource }) } };
}

const shown = ({ name, uid, groups }: User) => ({ username: name, ...(uid && { uid }), groups });

export function auditLine({ id, request, by, code, received, stage, now }: Audited): string {
  const path = parseResourcePath(request.path);
  const query = request.query.toString();
  const event = {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: id,
    stage,
    requestURI: query ? `${request.path}?${query}` : request.path,
    verb: verbOf(request, path),
    user: shown(by),
    ...(request.user !== by && { impersonatedUser: shown(request.user) }),
    sourceIPs: [request.incoming.socket?.remoteAddress ?? ''].filter(Boolean),
    userAgent: request.headers['user-agent'] ?? '',
    ...objectRef(path),
    responseStatus: { metadata: {}, code },
    requestReceivedTimestamp: micro(received),
    stageTimestamp: micro(now),
  };
  return `${JSON.stringify(event)}\n`;
}

const micro = (time: Date): string => time.toISOString().replace('Z', '000Z');
