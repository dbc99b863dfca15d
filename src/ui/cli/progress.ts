// Shows long work step by step: one living line on a terminal, one line a step elsewhere. Writes to standard error.
import { styleText } from 'node:util';

export interface Progress {
  /** The step before it is done. */
  step(about: string): void;
  done(about: string): void;
  failed(): void;
}

export function createProgress(out: NodeJS.WriteStream = process.stderr, now: () => number = () => performance.now()): Progress {
  const begun = now();
  let current: string | undefined;
  let stepBegun = begun;
  const seconds = (since: number) => `${((now() - since) / 1000).toFixed(2)} s`;
  const style = (format: 'green' | 'red' | 'dim', text: string) => (out.isTTY ? styleText(format, text, { stream: out }) : text);

  function finish(mark: string): void {
    if (current === undefined) return;
    if (out.isTTY) out.write('\r\x1b[K');
    out.write(`${mark} ${current} ${style('dim', `(${seconds(stepBegun)})`)}\n`);
    current = undefined;
  }

  return {
    step(about) {
      finish(style('green', '✓'));
      current = about;
      stepBegun = now();
      if (out.isTTY) out.write(`  ${about} …`);
    },
    done(about) {
      finish(style('green', '✓'));
      out.write(`${about} ${style('dim', `(${seconds(begun)} in all)`)}\n`);
    },
    failed: () => finish(style('red', '✗')),
  };
}
