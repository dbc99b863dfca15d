// Copies of a state file: written from memory while a server runs, taken from the file while none does, checked, and
// brought back.
import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { sortedValues } from '../../base/data/sorted-map.ts';
import type { KubeObject } from '../objects/meta.ts';
import { autoVacuum, insertObject, insertRevision, readAll, rowKey, tables } from './journal-sqlite.ts';
import { explainSqlite } from './sqlite-trouble.ts';
import type { StoreState } from './state.ts';
import { StoreError } from './store-error.ts';

/** Clients may hold versions from after the copy was made: none of them must ever be given again. */
const revisionsSkipped = 1_000_000;

/** Rows written between two looks at what else the process has to do. */
const slice = 200;

/** A new file with one immutable state, however long writing it takes; the process goes on meanwhile. */
export async function writeStateFile(file: string, { revision, objects }: StoreState): Promise<void> {
  const db = new DatabaseSync(file);
  try {
    db.exec(autoVacuum);
    db.exec(tables);
    db.exec('BEGIN');
    const insert = db.prepare(insertObject);
    let written = 0;
    for (const object of [...objects.values()].flatMap((map) => sortedValues<KubeObject>(map))) {
      insert.run(rowKey(object), JSON.stringify(object));
      if (++written % slice === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    db.prepare(insertRevision).run(revision);
    db.exec('COMMIT');
  } finally {
    db.close();
  }
}

/** Throws StoreError when somebody runs on it. */
export function copyStateFile(path: string, file: string): void {
  explainSqlite(path, () => {
    const db = new DatabaseSync(path);
    try {
      db.prepare('VACUUM INTO ?').run(file);
    } finally {
      db.close();
    }
  });
}

/** What a copy holds. Throws StoreError when it is no whole copy. */
export function checkStateFile(file: string): { objects: number; revision: number } {
  if (!existsSync(file)) throw new StoreError(`there is no file ${file}`);
  return explainSqlite(file, () => {
    const db = new DatabaseSync(file, { readOnly: true });
    try {
      const tables = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('objects', 'meta')").all();
      if (tables.length !== 2) throw new StoreError(`${file} is no copy of a cluster's objects`);
      const verdict = String(db.prepare('PRAGMA integrity_check(1)').get()?.['integrity_check']);
      if (verdict !== 'ok') throw new StoreError(`${file} is damaged: ${verdict}`);
      const { revision, objects } = readAll(db);
      return { revision, objects: objects.length };
    } finally {
      db.close();
    }
  });
}

/** Puts a checked copy in the place of the state file; what was there is kept as `<path>.old`. Nobody may run on it. */
export function restoreStateFile(file: string, path: string): void {
  const staged = `${path}.new`;
  rmSync(staged, { force: true });
  copyFileSync(file, staged);
  explainSqlite(staged, () => {
    const db = new DatabaseSync(staged);
    db.exec(`UPDATE meta SET value = value + ${revisionsSkipped} WHERE name = 'revision'`);
    db.close();
  });
  for (const tail of ['-wal', '-shm']) rmSync(`${staged}${tail}`, { force: true });
  if (existsSync(path)) setAside(path);
  renameSync(staged, path);
}

/** With its WAL, which may hold what is not in the main file yet: all of it goes into the one kept file. */
function setAside(path: string): void {
  try {
    const db = new DatabaseSync(path);
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    db.close();
  } catch {
    // Damaged: that may be why a copy is brought back. It is kept as it is.
  }
  for (const tail of ['', '-wal', '-shm']) {
    rmSync(`${path}.old${tail}`, { force: true });
    if (existsSync(`${path}${tail}`)) renameSync(`${path}${tail}`, `${path}.old${tail}`);
  }
}
