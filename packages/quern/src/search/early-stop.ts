import { QuernError } from '../errors.ts';
import type { Enough, TextEnd } from '../reason/reasoner.ts';
import { rankBiasedOverlap } from './rank-biased-overlap.ts';
import type { GrowingRanking, Retriever } from './retriever.ts';

/** When a text that streams in is enough: its ranking has stopped changing. */
export interface EarlyStop {
  /** Tokens, as {@link tokenEstimate} counts them, from one look at the ranking to the next. */
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

const ranges: Readonly<Record<keyof EarlyStop, (value: number) => boolean>> = {
  every: (value) => Number.isSafeInteger(value) && value >= 1,
  depth: (value) => Number.isSafeInteger(value) && value >= 1 && value <= 1000,
  overlap: (value) => value > 0 && value <= 1,
  checks: (value) => Number.isSafeInteger(value) && value >= 1,
};

const settingsHint =
  'Write every=25,depth=10,overlap=0.8,checks=3: tokens, documents, a share from 0 to 1, and how often';

/**
 * The settings that a text names: `every=25,depth=10,overlap=0.8,checks=3`, or some of them; the others are the defaults.
 * Throws `USAGE`.
 */
export function earlyStopNamed(text: string): EarlyStop {
  const settings: Record<string, number> = { ...defaultEarlyStop };
  for (const part of text.split(',').filter((each) => each.trim() !== '')) {
    const [, key, value] = /^\s*([a-z]+)\s*=\s*([0-9.]+)\s*$/.exec(part) ?? [];
    if (!Object.hasOwn(ranges, key ?? '') || !ranges[key as keyof EarlyStop](Number(value))) {
      throw new QuernError('USAGE', `no setting of an early stop: ${JSON.stringify(part)}`, {
        hint: settingsHint,
      });
    }
    settings[key] = Number(value);
  }
  return settings as unknown as EarlyStop;
}

/** Throws `USAGE` for settings that are none. */
function checkEarlyStop(settings: EarlyStop): void {
  for (const [key, isPossible] of Object.entries(ranges)) {
    const value = settings[key as keyof EarlyStop];
    if (isPossible(value)) continue;
    throw new QuernError('USAGE', `an early stop cannot have ${key}=${value}`, { hint: settingsHint });
  }
}

/** The text that names settings. */
export function earlyStopName({ every, depth, overlap, checks }: EarlyStop): string {
  return `every=${every},depth=${depth},overlap=${overlap},checks=${checks}`;
}

/** How far a reader goes on from each rank to the next: so that the first ten ranks have 86 % of the weight. */
const persistence = 0.9;

const tokens =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]|(?:(?![\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}])\p{L})+|\p{N}|[^\s\p{L}\p{N}]+/gu;

/**
 * About how many tokens a language model has for a text: its words, digits and runs of marks, from which most vocabularies
 * start. It needs no model, so that a text ends at the same place whoever wrote it, and whether or not it comes from a cache.
 */
export function tokenEstimate(text: string): number {
  return text.match(tokens)?.length ?? 0;
}

/** What {@link StableRanking} searches. */
export interface StableRankingOptions {
  /** Ids of documents that are not looked at. */
  readonly excluded?: readonly string[];
  /** What is searched together with the text. */
  readonly beside?: string;
}

/**
 * Where words end: before white space, and after each ideograph and Hiragana letter (Thai and its like have no ends but spaces). What a word ends at
 * must have come, as the next character may still belong to it.
 */
const wordEnds =
  /(?<=\S)(?=\s)|(?<=[\p{sc=Han}\p{sc=Hiragana}])(?=[^\s\p{M}\p{Cf}\p{Cs}])|(?<=[^\s\p{M}\p{Cf}])(?=[\p{sc=Han}\p{sc=Hiragana}])/gu;

/** Watches the ranking of one text that streams in. */
export class StableRanking {
  /** Says that the text is enough once its ranking is stable. */
  readonly enough: Enough = (text) => {
    const looked = this.#looked.then(() => this.#look(text));
    this.#looked = looked.catch(() => undefined);
    return looked;
  };
  readonly #retriever: Retriever;
  readonly #settings: EarlyStop;
  readonly #options: StableRankingOptions;
  #ranking: GrowingRanking | undefined;
  /** One text is looked at after the other, whoever asks. */
  #looked: Promise<unknown> = Promise.resolve();
  /** What was looked at so far: whole words. */
  #seen = '';
  /** The character after that, which shows that the last of these words has ended. */
  #following = '';
  #tokensSinceProbe = 0;
  #unprobed = '';
  #before: readonly string[] = [];
  #unchanged = 0;
  #end: TextEnd | undefined;
  #probes = 0;
  #milliseconds = 0;

  /** Throws `USAGE` for settings that are none. */
  constructor(retriever: Retriever, settings: EarlyStop, options: StableRankingOptions = {}) {
    checkEarlyStop(settings);
    this.#retriever = retriever;
    this.#settings = settings;
    this.#options = options;
    this.#start();
  }

  /** Where the text is enough, once it is. */
  get end(): TextEnd | undefined {
    return this.#end;
  }

  /** Searches so far. */
  get probes(): number {
    return this.#probes;
  }

  /** What they took. */
  get milliseconds(): number {
    return this.#milliseconds;
  }

  async #look(text: string): Promise<TextEnd | undefined> {
    // A text is looked at from its beginning again where it comes anew, as after a beginning from a cache.
    const seen = this.#seen + this.#following;
    if (!text.startsWith(seen)) {
      if (seen.startsWith(text)) return undefined;
      this.#start();
    }
    const start = this.#seen.length;
    for (const { index } of text.slice(start).matchAll(wordEnds)) {
      if (this.#end) break;
      const word = text.slice(this.#seen.length, start + index);
      this.#seen += word;
      this.#following = String.fromCodePoint(text.codePointAt(this.#seen.length)!);
      this.#unprobed += word;
      this.#tokensSinceProbe += tokenEstimate(word);
      if (this.#tokensSinceProbe >= this.#settings.every) await this.#probe();
    }
    return this.#end;
  }

  async #probe(): Promise<void> {
    const started = performance.now();
    const { overlap, checks, depth } = this.#settings;
    const after = await this.#best();
    const agreement = rankBiasedOverlap(this.#before, after, persistence);
    // An overlap is a sum, which can be a little below 1 for equal rankings.
    this.#unchanged = agreement >= overlap - 1e-9 ? this.#unchanged + 1 : 0;
    this.#before = after;
    this.#tokensSinceProbe = 0;
    this.#unprobed = '';
    this.#probes++;
    if (this.#unchanged >= checks) {
      const why = `the best ${depth} had stayed the same for ${checks} looks (overlap ${agreement.toFixed(3)} of at least ${overlap})`;
      this.#end = { length: this.#seen.length, why };
    }
    this.#milliseconds += performance.now() - started;
  }

  async #best(): Promise<string[]> {
    const { depth: k } = this.#settings;
    const { excluded, beside = '' } = this.#options;
    if (this.#ranking) this.#ranking.add(this.#unprobed);
    const hits =
      this.#ranking?.best() ?? (await this.#retriever.search(`${beside} ${this.#seen}`, { k, excluded }));
    return hits.map(({ id }) => id);
  }

  #start(): void {
    const { depth: k } = this.#settings;
    const { excluded, beside } = this.#options;
    this.#ranking = this.#retriever.growing?.({ k, excluded });
    if (beside !== undefined) this.#ranking?.add(beside);
    this.#seen = '';
    this.#following = '';
    this.#unprobed = '';
    this.#tokensSinceProbe = 0;
    this.#before = [];
    this.#unchanged = 0;
    this.#end = undefined;
  }
}
