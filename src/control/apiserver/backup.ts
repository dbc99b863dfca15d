// GET /fairlead/backup: a copy of all objects as one SQLite file, taken while the server goes on. As any path that is no
// resource it is open to those who may get it by name; of the default roles only cluster-admin has that.
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiError } from '../../kube/meaning/api-error.ts';
import type { Api } from './api.ts';
import type { Answer } from './request.ts';

/** Throws ApiError 501 on a store that others back up (etcd). */
export async function backupAnswer({ store }: Api): Promise<Answer> {
  if (!store.backup) throw new ApiError(501, 'NotImplemented', 'these objects are kept by etcd: take a snapshot there (etcdctl snapshot save)');
  const folder = await mkdtemp(join(tmpdir(), 'fairlead-backup-'));
  const file = join(folder, 'state.db');
  try {
    await store.backup(file);
  } catch (error) {
    await rm(folder, { recursive: true });
    throw error;
  }
  return {
    code: 200,
    headers: { 'content-type': 'application/vnd.sqlite3' },
    async stream(send) {
      try {
        for await (const chunk of createReadStream(file)) await send(chunk as Buffer);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  };
}
