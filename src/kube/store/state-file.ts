// Copies of a state file: taken while nobody runs it, checked, and brought back.
import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs';
import { backup, DatabaseSync } from 'node:sqlite';
import { readAll } from './journal-sqlite.ts';
import { explainSqlite } from './sqlite-trouble.ts';
import { StoreError } from './store-error.ts';

/** Clients may hold versions from after the copy was made: none of them must ever be given again. */
const revisionsSkipped = 1_000_000;

/** Throws StoreError when somebody runs on it. */
export async function copyStateFile(path: string, file: string): Promise<void> {
  const db = explainSqlite(path, () => new DatabaseSync(path));
  try {
    // Says at once whether the file is free and whole; a reader alone would not be told.
    explainSqlite(path, () => db.exec('BEGIN IMMEDIATE; ROLLBACK'));
    await backup(db, file);
  } finally {
    db.close();
  }
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
