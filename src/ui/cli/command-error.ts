// An error whose message is meant for the person at the keyboard: what is wrong and what to do next, no stack.

export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
