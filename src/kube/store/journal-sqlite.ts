// The embedded store on disk: one row an object, one transaction (one fsync) a batch of writes.
// SQLite in WAL mode with synchronous=FULL: what commit() returned from survives kill -9 and power loss.
import { DatabaseSync } from 'node:sqlite';
import type { KubeObject } from '../objects/meta.ts';
import { kindKey } from './state.ts';
import { objectKey, type WatchEvent } from './store.ts';

export interface Journal {
  load(): { revision: number; objects: KubeObject[] };
  /** Durable when it returns; throws and changes nothing otherwise. */
  commit(events: readonly WatchEvent[]): void;
  close(): void;
}

const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA locking_mode = EXCLUSIVE;
  CREATE TABLE IF NOT EXISTS objects (key TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
`;

/** Opens (or makes) the file. Throws when another process holds it. */
export function openSqliteJournal(path: string): Journal {
  const db = new DatabaseSync(path);
  db.exec(schema);
  const put = db.prepare('INSERT INTO objects (key, data) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET data = excluded.data');
  const drop = db.prepare('DELETE FROM objects WHERE key = ?');
  const setRevision = db.prepare("INSERT INTO meta VALUES ('revision', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value");

  function write(event: WatchEvent): void {
    const key = `${kindKey(event.kind)}|${objectKey(event.object)}`;
    if (event.type === 'DELETED') drop.run(key);
    else put.run(key, JSON.stringify(event.object));
  }

  return {
    load() {
      const row = db.prepare("SELECT value FROM meta WHERE name = 'revision'").get();
      const rows = db.prepare('SELECT data FROM objects').all();
      return { revision: Number(row?.['value'] ?? 0), objects: rows.map(({ data }) => JSON.parse(String(data)) as KubeObject) };
    },
    commit(events) {
      db.exec('BEGIN IMMEDIATE');
      try {
        for (const event of events) write(event);
        setRevision.run(events.at(-1)!.revision);
        db.exec('COMMIT');
      } catch (error) {
        // Nothing of the batch may stay: the caller rejects all of its writes.
        if (db.isTransaction) db.exec('ROLLBACK');
        throw error;
      }
    },
    close: () => db.close(),
  };
}
