// What calls cost at most, beyond their arguments, and how large their results are: prices as cel-go and the API server
// set them. What is not named here costs one step.
import type { CelType } from '../cel/types.ts';
import { boundless, part, perLetter, perPatternLetter, plus, times } from './amounts.ts';
import type { Sized } from './sizes.ts';

export interface Argument {
  /** At most; boundless where nothing is known. */
  readonly size: number;
  readonly type: CelType;
  /** Where it is in the object, if it is in the object. */
  readonly of?: Sized;
}

export interface Price {
  readonly cost: number;
  /** Of the result. */
  readonly size?: number;
}

/** The target of a member call is the first argument. */
type Pricing = (args: readonly Argument[]) => Price;

const oneStep: Price = { cost: 1 };
const sizeAt = (args: readonly Argument[], at: number): number => args[at]?.size ?? 0;

/** Goes through one argument. */
const through = (at: number, passes = 1): Pricing => (args) => ({ cost: part(sizeAt(args, at), passes * perLetter) });
/** The same, and the result is about as large. */
const rewritten: Pricing = (args) => ({ cost: part(sizeAt(args, 0), perLetter), size: sizeAt(args, 0) });

/** One more letter than there is, so that an expensive pattern is not free on an empty text. */
const matched = (args: readonly Argument[]): number => times(part(plus(sizeAt(args, 0), 1), perLetter), part(sizeAt(args, 1), perPatternLetter));

const compared: Pricing = (args) => ({ cost: part(Math.min(sizeAt(args, 0), sizeAt(args, 1)), perLetter) });
const comparedTexts: Pricing = (args) => (isText(args[0]) || isText(args[1]) ? compared(args) : oneStep);

const isText = (argument: Argument | undefined): boolean => argument?.type.is === 'string' || argument?.type.is === 'bytes';

const added: Pricing = (args) => {
  const size = plus(sizeAt(args, 0), sizeAt(args, 1));
  if (args.some(isText)) return { cost: part(size, perLetter), size };
  return args.some(({ type }) => type.is === 'list') ? { cost: 1, size } : oneStep;
};

/** Looks at every item, and into those that are texts. */
const searched: Pricing = (args) => {
  const [list] = args;
  if (!list || list.type.is !== 'list') return through(0)(args);
  const isOfTexts = list.type.item.is === 'string' || list.type.item.is === 'bytes';
  const each = isOfTexts ? plus(1, part(list.of?.item?.max ?? boundless, perLetter)) : 1;
  return { cost: times(list.size, each) };
};

const joined: Pricing = (args) => {
  const [list] = args;
  const letters = times(sizeAt(args, 0), list?.of?.item?.max ?? boundless);
  const size = plus(letters, times(sizeAt(args, 0), sizeAt(args, 1)));
  return { cost: part(size, 2 * perLetter), size };
};

/** Every occurrence may be replaced, and there is one between any two letters. */
const replaced: Pricing = (args) => {
  const [text, , by] = args;
  const size = plus(text?.size ?? 0, times(plus(text?.size ?? 0, 1), by?.size ?? 0));
  return { cost: part(plus(text?.size ?? 0, size), perLetter), size };
};

const crossed: Pricing = (args) => ({ cost: plus(1, times(sizeAt(args, 0), sizeAt(args, 1))) });

const read = through(0);

/** Letters of the longest pattern behind a format's name. */
const formatPattern = 60;

const prices: Readonly<Record<string, Pricing>> = {
  '_==_': compared,
  '_!=_': compared,
  '_<_': comparedTexts,
  '_<=_': comparedTexts,
  '_>_': comparedTexts,
  '_>=_': comparedTexts,
  '_+_': added,
  '@in': (args) => (args[1]?.type.is === 'map' ? oneStep : { cost: sizeAt(args, 1) }),
  startsWith: through(1),
  endsWith: through(1),
  contains: (args) => ({ cost: times(part(sizeAt(args, 0), perLetter), part(sizeAt(args, 1), perLetter)) }),
  matches: (args) => ({ cost: matched(args) }),
  find: (args) => ({ cost: matched(args), size: sizeAt(args, 0) }),
  findAll: (args) => ({ cost: matched(args), size: sizeAt(args, 0) }),
  lowerAscii: rewritten,
  upperAscii: rewritten,
  substring: rewritten,
  trim: rewritten,
  reverse: rewritten,
  replace: replaced,
  split: (args) => ({ cost: part(sizeAt(args, 0), 2 * perLetter), size: sizeAt(args, 0) }),
  join: joined,
  format: (args) => ({ cost: part(sizeAt(args, 0), perLetter) }),
  indexOf: searched,
  lastIndexOf: searched,
  isSorted: searched,
  sum: searched,
  min: searched,
  max: searched,
  'sets.contains': crossed,
  'sets.intersects': crossed,
  'sets.equivalent': (args) => ({ cost: plus(1, times(2, times(sizeAt(args, 0), sizeAt(args, 1)))) }),
  url: read,
  isURL: read,
  ip: read,
  isIP: read,
  'ip.isCanonical': read,
  cidr: read,
  isCIDR: read,
  containsIP: (args) => (isText(args[1]) ? through(1)(args) : oneStep),
  containsCIDR: (args) => (isText(args[1]) ? through(1)(args) : oneStep),
  quantity: read,
  isQuantity: read,
  bytes: (args) => (isText(args[0]) ? { cost: part(sizeAt(args, 0), perLetter), size: times(4, sizeAt(args, 0)) } : oneStep),
  string: (args) => (args[0]?.type.is === 'bytes' ? rewritten(args) : oneStep),
  validate: (args) => ({ cost: times(part(plus(sizeAt(args, 1), 1), perLetter), part(formatPattern, perPatternLetter)) }),
};

export function priceOf(name: string, args: readonly Argument[]): Price {
  return Object.hasOwn(prices, name) ? prices[name]!(args) : oneStep;
}
