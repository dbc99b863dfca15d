// What every hand on the machine promises: whole wish in, difference applied, removable without memory.
// Each kind of thing has a driver for Linux and one for the fake machine (memory.ts); one suite runs against both.

export interface Applied {
  /** How many kernel objects were added, changed or removed. */
  readonly changes: number;
  readonly tookMs: number;
  /** Where the driver knows it: by table, how many rules there are now and how many were written. */
  readonly rules?: Readonly<Record<string, { readonly total: number; readonly written: number }>>;
}

export interface Driver<Desired> {
  readonly name: string;
  /** First call sweeps what is ours and not wished for; later calls send only the difference. Rejects with DriverError. */
  apply(desired: Desired): Promise<Applied>;
  /**
   * Cheap: has somebody else changed what is ours? False means yes, and that the next `apply` puts it back.
   * Absent where nobody has found a cheap way to ask.
   */
  check?(): Promise<boolean>;
  /** Leaves the machine as if we had never run. */
  remove(): Promise<void>;
}

/** The machine refused. Carries the exact input, so that an operator can try it by hand. */
export class DriverError extends Error {
  readonly driver: string;
  readonly input: string;

  constructor(driver: string, message: string, input: string) {
    super(`${driver}: ${message}`);
    this.driver = driver;
    this.input = input;
  }
}
