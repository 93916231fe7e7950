import type { Enough, TextEnd } from '../reason/reasoner.ts';
import { checkEarlyStop, type EarlyStop } from './early-stop.ts';
import { rankBiasedOverlap } from './rank-biased-overlap.ts';
import type { GrowingRanking, Retriever } from './retriever.ts';
import { tokenEstimate } from './token-estimate.ts';
import { wordEnds } from './word-ends.ts';

/** How far a reader goes on from each rank to the next: so that the first ten ranks have 86 % of the weight. */
const persistence = 0.9;

/** What {@link StableRanking} searches. */
export interface StableRankingOptions {
  /** Ids of documents that are not looked at. */
  readonly excluded?: readonly string[];
  /** What is searched together with the text. */
  readonly beside?: string;
  readonly signal?: AbortSignal;
}

/**
 * Watches the ranking of one text that streams in, alone or with what is `beside` it. What else is done before the search is
 * not watched: weights that are mixed with the question's or lowered by a background, key terms, the texts of earlier rounds.
 */
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
      const looks = checks === 1 ? 'one look' : `${checks} looks in a row`;
      const how = overlap === 1 ? 'stayed the same' : 'hardly changed';
      const why = `the best ${depth} ${how} for ${looks} (overlap ${agreement.toFixed(3)} at the last, at least ${overlap} at each)`;
      this.#end = { length: this.#seen.length, why };
    }
    this.#milliseconds += performance.now() - started;
  }

  async #best(): Promise<string[]> {
    const { depth: k } = this.#settings;
    const { excluded, signal, beside = '' } = this.#options;
    if (this.#ranking) this.#ranking.add(this.#unprobed);
    const hits =
      this.#ranking?.best() ??
      (await this.#retriever.search(`${beside} ${this.#seen}`, { k, excluded, signal }));
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
