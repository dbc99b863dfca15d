// The embedded store on disk: one row an object, one transaction (one fsync) a batch of writes.
// SQLite in WAL mode with synchronous=FULL: what commit() returned from survives kill -9 and power loss.
import { DatabaseSync } from 'node:sqlite';
import type { KubeObject } from '../objects/meta.ts';
import { explainSqlite } from './sqlite-trouble.ts';
import { kindKey } from './state.ts';
import { objectKey, type WatchEvent } from './store.ts';

export interface Journal {
  /** Throws StoreError where the file is damaged. */
  load(): { revision: number; objects: KubeObject[] };
  /** Durable when it returns; throws and changes nothing otherwise. */
  commit(events: readonly WatchEvent[]): void;
  close(): void;
}

/** Counts only for a file that is made now, so it is said before anything else. */
export const autoVacuum = 'PRAGMA auto_vacuum = INCREMENTAL';

// The limit keeps the WAL file small after a burst of writes; every 1,000 pages it is folded into the main file, which
// nobody hinders, for there is no other reader.
const settings = `
  PRAGMA locking_mode = EXCLUSIVE;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA journal_size_limit = 8388608;
`;

export const tables = `
  CREATE TABLE IF NOT EXISTS objects (key TEXT PRIMARY KEY, data TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
`;

export const insertObject = 'INSERT INTO objects (key, data) VALUES (?, ?)';
export const insertRevision = "INSERT INTO meta (name, value) VALUES ('revision', ?)";

export const rowKey = (object: KubeObject): string => `${kindKey(object)}|${objectKey(object)}`;

/** Free pages are given back in pieces: at most this many at a time. */
const pagesGivenBack = 500;

/**
 * Opens (or makes) the file; every `tidyEvery` commits it gives back room that was freed. Throws StoreError when another
 * process holds the file, or when it is damaged.
 */
export function openSqliteJournal(path: string, tidyEvery = 1000): Journal {
  const db = explainSqlite(path, () => openExclusively(path));
  const put = db.prepare(`${insertObject} ON CONFLICT (key) DO UPDATE SET data = excluded.data`);
  const drop = db.prepare('DELETE FROM objects WHERE key = ?');
  const setRevision = db.prepare(`${insertRevision} ON CONFLICT (name) DO UPDATE SET value = excluded.value`);
  let commits = 0;

  function write(event: WatchEvent): void {
    const key = rowKey(event.object);
    if (event.type === 'DELETED') drop.run(key);
    else put.run(key, JSON.stringify(event.object));
  }

  return {
    load: () => explainSqlite(path, () => readAll(db)),
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
      if (++commits % tidyEvery === 0) db.exec(`PRAGMA incremental_vacuum(${pagesGivenBack})`);
    },
    close: () => db.close(),
  };
}

function openExclusively(path: string): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    for (const statements of [autoVacuum, settings, tables]) db.exec(statements);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

export function readAll(db: DatabaseSync): { revision: number; objects: KubeObject[] } {
  const row = db.prepare("SELECT value FROM meta WHERE name = 'revision'").get();
  const rows = db.prepare('SELECT data FROM objects').all();
  return { revision: Number(row?.['value'] ?? 0), objects: rows.map(({ data }) => JSON.parse(String(data)) as KubeObject) };
}
