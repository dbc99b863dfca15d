// What a bench says: figures, each with the peer measured in the same run and the aim it is held against.
// Speeds are never tested (machines differ); they are printed as ratios, with the command that repeats them.
import { printColumns } from '../../src/base/text/columns.ts';

export interface Figure {
  readonly about: string;
  /** NaN: it could not be measured; the note says why. */
  readonly value: number;
  readonly unit: 'ms' | 's' | 'µs' | 'KB' | 'MB' | '/s' | '×';
  /** Somebody else's figure for the same work, in the same unit. */
  readonly peer?: { readonly name: string; readonly value: number };
  /** In the figure's unit. */
  readonly aim?: { readonly atMost: number } | { readonly atLeast: number };
  readonly note?: string;
}

export interface Report {
  figure(figure: Figure): void;
  /** Progress, for the one who waits. */
  say(text: string): void;
}

export interface Bench {
  readonly name: string;
  readonly about: string;
  run(report: Report): Promise<void>;
}

export const isMet = ({ value, aim }: Figure): boolean | undefined =>
  Number.isNaN(value) ? undefined : aim && ('atMost' in aim ? value <= aim.atMost : value >= aim.atLeast);

/** fairlead : peer */
export const ratioOf = ({ value, peer }: Figure): number | undefined => peer && value / peer.value;

/** Three digits are more than any of these figures is good for. */
export const printNumber = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(value >= 1 ? 3 : 2);

function printAim(figure: Figure): string {
  const { aim, unit } = figure;
  if (!aim) return '';
  const bound = 'atMost' in aim ? `≤ ${printNumber(aim.atMost)}` : `≥ ${printNumber(aim.atLeast)}`;
  return `${bound} ${unit} ${isMet(figure) ? 'met' : 'MISSED'}`;
}

function printRow(figure: Figure): string[] {
  const { about, value, unit, peer, note = '' } = figure;
  const ratio = ratioOf(figure);
  return [
    about,
    Number.isNaN(value) ? '–' : `${printNumber(value)} ${unit}`,
    peer ? `${peer.name} ${printNumber(peer.value)} ${unit}` : '',
    ratio === undefined ? '' : printNumber(ratio),
    printAim(figure),
    note,
  ];
}

export const printFigures = (figures: readonly Figure[]): string => printColumns(['figure', 'value', 'peer', 'ratio', 'aim', 'note'], figures.map(printRow));

/** Rounds of two rivals in turn, the best of each kept: what else runs on the machine disturbs one round, hardly all. */
export async function bestInTurn<T>(rounds: number, rivals: readonly (() => Promise<T>)[], better: (a: T, b: T) => T): Promise<T[]> {
  const best: T[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [i, rival] of rivals.entries()) {
      const fresh = await rival();
      best[i] = best[i] === undefined ? fresh : better(best[i], fresh);
    }
  }
  return best;
}

/** `share` of 0.5 is the median. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
