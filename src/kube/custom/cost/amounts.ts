// Arithmetic of estimates: whole numbers that stay at the greatest one instead of growing beyond it.

/** What has no bound. */
export const boundless = 2 ** 64;

export const plus = (...amounts: readonly number[]): number => Math.min(boundless, amounts.reduce((sum, one) => sum + one, 0));
export const times = (a: number, b: number): number => Math.min(boundless, a * b);

/** A part of a size, as the price of going through it. */
export const part = (size: number, factor: number): number => Math.min(boundless, Math.ceil(size * factor));

/** The price of a letter, as a part of a step; and of a letter of a pattern. */
export const perLetter = 0.1;
export const perPatternLetter = 0.25;
