import { QuernError } from '../errors.ts';

/** How a language model chooses its tokens. */
export interface Sampling {
  /** 0 takes the likeliest token always. */
  readonly temperature: number;
  /** The smallest set of the likeliest tokens whose probabilities sum to it is chosen from; 1 takes all. */
  readonly topP: number;
  /** How many of the likeliest tokens are chosen from; 0 takes all. */
  readonly topK: number;
  /** What logits of tokens that were used are divided by (multiplied where negative); 1 changes nothing. */
  readonly repetitionPenalty: number;
  /** The most tokens that are generated. */
  readonly maxTokens: number;
}

const ranges: Readonly<
  Record<keyof Sampling, { readonly is: (value: number) => boolean; readonly what: string }>
> = {
  temperature: { is: (value) => value >= 0 && value <= 10, what: 'a number from 0 to 10' },
  topP: { is: (value) => value > 0 && value <= 1, what: 'a number above 0 and at most 1' },
  topK: { is: (value) => Number.isSafeInteger(value) && value >= 0, what: 'a whole number of 0 or more' },
  repetitionPenalty: { is: (value) => value > 0 && value <= 10, what: 'a number above 0 and at most 10' },
  maxTokens: {
    is: (value) => Number.isSafeInteger(value) && value >= 1,
    what: 'a whole number of 1 or more',
  },
};

/**
 * `defaults` with what `changes` set, the first of them counting most; undefined sets nothing. Throws `USAGE` for a value out of
 * its range.
 */
export function samplingOf(
  defaults: Sampling,
  ...changes: readonly (Partial<Sampling> | undefined)[]
): Sampling {
  const chosen = <K extends keyof Sampling>(key: K): Sampling[K] =>
    changes.map((each) => each?.[key]).find((value) => value !== undefined) ?? defaults[key];
  const sampling: Sampling = {
    temperature: chosen('temperature'),
    topP: chosen('topP'),
    topK: chosen('topK'),
    repetitionPenalty: chosen('repetitionPenalty'),
    maxTokens: chosen('maxTokens'),
  };
  for (const [name, { is, what }] of Object.entries(ranges)) {
    const value: unknown = sampling[name as keyof Sampling];
    if (typeof value === 'number' && is(value)) continue;
    throw new QuernError('USAGE', `is ${what}, not ${shown(value)}`, { where: name });
  }
  return sampling;
}

function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : typeof value;
}
