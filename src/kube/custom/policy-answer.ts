// What a policy says against a write.

export interface PolicyAnswer {
  /** It could not be evaluated, which is not the same as being broken. */
  error: boolean;
  message: string;
  reason?: string;
}

/** A text that a message expression made, if it made one that can be shown. */
export function messageOrUndefined(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' && !value.includes('\n') ? value.trim() : undefined;
}
