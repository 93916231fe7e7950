import { excerpt } from '../collections/jsonl.ts';
import { QuernError } from '../errors.ts';

/** When a text that streams in is enough: its ranking has stopped changing. */
export interface EarlyStop {
  /** Tokens, as `tokenEstimate` counts them, from one look at the ranking to the next. */
  readonly every: number;
  /** How many of the best documents are looked at. */
  readonly depth: number;
  /** The least rank-biased overlap of a ranking with the one before it that counts as unchanged, from 0 to 1. */
  readonly overlap: number;
  /** How many times in a row it must be unchanged. */
  readonly checks: number;
}

/** Of what was tried, it saves about two fifths of the tokens at little loss on each collection (`bench/early-stop.ts`). */
export const defaultEarlyStop: EarlyStop = { every: 25, depth: 10, overlap: 0.8, checks: 3 };

/** What each can be, in words too. */
const ranges: Readonly<Record<keyof EarlyStop, { has: (value: number) => boolean; words: string }>> = {
  every: { has: isCount, words: 'a whole number of tokens, 1 or more' },
  depth: { has: (value) => isCount(value) && value <= 1000, words: 'a whole number from 1 to 1000' },
  overlap: { has: (value) => value > 0 && value <= 1, words: 'a number above 0 and up to 1' },
  checks: { has: isCount, words: 'a whole number, 1 or more' },
};

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}

const settingsHint = 'Write some of every=25,depth=10,overlap=0.8,checks=3';

/**
 * The settings that a text names: `every=25,depth=10,overlap=0.8,checks=3`, or some of them; the others are the defaults.
 * Throws `USAGE`.
 */
export function earlyStopNamed(text: string): EarlyStop {
  const settings: Record<string, number> = { ...defaultEarlyStop };
  for (const part of text.split(',').filter((each) => each.trim() !== '')) {
    const [, key, value] = /^\s*([a-z]+)\s*=\s*([0-9.]+)\s*$/.exec(part) ?? [];
    if (!Object.hasOwn(ranges, key ?? '') || Number.isNaN(Number(value))) {
      throw new QuernError('USAGE', `no setting of an early stop: ${excerpt(part)}`, { hint: settingsHint });
    }
    settings[key] = Number(value);
  }
  checkEarlyStop(settings as unknown as EarlyStop);
  return settings as unknown as EarlyStop;
}

/** Throws `USAGE` for settings that are none. */
export function checkEarlyStop(settings: EarlyStop): void {
  for (const [key, { has, words }] of Object.entries(ranges)) {
    const value = settings[key as keyof EarlyStop];
    if (has(value)) continue;
    throw new QuernError('USAGE', `${key} of an early stop is ${words}, not ${value}`, {
      hint: settingsHint,
    });
  }
}

/** The text that names settings. */
export function earlyStopName({ every, depth, overlap, checks }: EarlyStop): string {
  return `every=${every},depth=${depth},overlap=${overlap},checks=${checks}`;
}
