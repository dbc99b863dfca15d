// The log: JSON lines through pino, one child per part. Secrets never go in; messages start lower-case.
import { pino } from 'pino';

export type Log = ReturnType<typeof pino>;

/** Writes to standard error, so that standard output stays for results. Level from FAIRLEAD_LOG (default warn). */
export const rootLog: Log = pino({ level: process.env['FAIRLEAD_LOG'] ?? 'warn', base: null }, pino.destination(2));

export const logFor = (part: string): Log => rootLog.child({ part });
