// What SQLite's error codes mean to the operator of a state file. Codes: https://sqlite.org/rescode.html
import { StoreError } from './store-error.ts';

const busy = 5;
const corrupt = 11;
const cannotOpen = 14;
const notADatabase = 26;

interface SqliteError extends Error {
  /** The low byte is the primary code. */
  errcode?: number;
}

/** Runs it; SQLite's refusals become StoreError with what to do next. */
export function explainSqlite<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explained(path, error as SqliteError) ?? error;
  }
}

function explained(path: string, error: SqliteError): StoreError | undefined {
  if (error instanceof SyntaxError) return damaged(path, 'an object in it is no JSON');
  switch (error.errcode === undefined ? undefined : error.errcode & 0xff) {
    case busy:
      return new StoreError(`${path} is in use by another process: end that one first, or give this one another --name or --data`);
    case corrupt:
    case notADatabase:
      return damaged(path, error.message);
    case cannotOpen:
      return new StoreError(`${path} cannot be opened: ${error.message}; the folder must exist and be writable`);
    default:
      return undefined;
  }
}

const damaged = (path: string, why: string): StoreError =>
  new StoreError(`${path} is damaged (${why}): bring back a copy with fairlead restore FILE, or begin anew by moving it away`);
