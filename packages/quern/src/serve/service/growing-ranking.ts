import type { ReasonedQuery } from '../../reason/reasoner.ts';
import { answerReasoned } from '../../search/pipeline.ts';
import type { ReasoningPlan } from '../../search/reasoning-plan.ts';
import { storedDocuments, type SearchedIndex } from '../../search/searched-index.ts';
import { tokenEstimate } from '../../search/token-estimate.ts';
import { wordEnds } from '../../search/word-ends.ts';
import type { Admission } from './admission.ts';

/** A hit of a ranking on the way. */
export interface LookedHit {
  readonly id: string;
  readonly score: number;
  readonly rank: number;
  /** Told once for each document, where the index keeps titles. */
  readonly title?: string;
}

/** What would be found if the text ended here. */
export interface Look {
  /** Characters of each text so far, in the order of the reasoners. */
  readonly lengths: readonly number[];
  /** Tokens of all texts so far, as `tokenEstimate` counts them. */
  readonly tokens: number;
  /** What the search took, in milliseconds. */
  readonly milliseconds: number;
  readonly hits: readonly LookedHit[];
}

/** What rankings on the way are made with. */
export interface GrowingRankingSettings {
  readonly plan: ReasoningPlan;
  readonly query: string;
  readonly index: SearchedIndex;
  /** Where each look waits for its turn; where too much waits, it is left out. */
  readonly searches: Admission;
  readonly k: number;
  readonly excluded: readonly string[];
  readonly signal?: AbortSignal;
  told(look: Look): void;
}

/** Tokens from one look to the next. */
const every = 12;
/** Looks at most: those of a longer text are farther apart. */
const mostLooks = 60;
/** How long looks go on once the whole text is there, in milliseconds. */
const patience = 1500;

/** Texts at some moment, and how many tokens they have together. */
interface GrownTexts {
  readonly texts: readonly string[];
  readonly tokens: number;
}

/**
 * Ranks again while a text grows: each look is the search that would be made if the text ended there, without a reranker. Looks are
 * made one after the other, in turns of the queue of searches, and hold an answer up by 1.5 s at most: those that come to no end are
 * left out, as are those that fail, and those at a text that has come anew since.
 */
export class GrowingRanking {
  readonly #settings: GrowingRankingSettings;
  readonly #texts: string[];
  readonly #titled = new Set<string>();
  /** Tokens of each text so far. */
  readonly #tokens: number[];
  /** Texts as they were at each look to come. */
  readonly #line: GrownTexts[] = [];
  /** Aborted when no look is wanted any more. */
  readonly #stop = new AbortController();
  /** How often a text came anew: a look at what there was before is of no text that is there. */
  #anew = 0;
  #tokensAtLook = 0;
  #looks = 0;
  #working: Promise<void> | undefined;

  constructor(settings: GrowingRankingSettings) {
    this.#settings = settings;
    this.#texts = Array.from({ length: settings.plan.reasoner.members?.length ?? 1 }, () => '');
    this.#tokens = this.#texts.map(() => 0);
  }

  /** All of a text so far; `part` is its place among those of several reasoners. */
  add(text: string, part: number): void {
    if (!text.startsWith(this.#texts[part]!)) {
      // It comes anew, and so do the looks.
      this.#anew++;
      this.#line.length = 0;
      this.#texts[part] = '';
      this.#tokens[part] = 0;
      this.#tokensAtLook = sum(this.#tokens);
    }
    const from = this.#texts[part]!.length;
    // A word that has not ended could still become another. No token reaches over white space: each word is counted once.
    for (const { index } of text.slice(from).matchAll(wordEnds)) {
      const before = this.#texts[part]!.length;
      this.#texts[part] = text.slice(0, from + index);
      this.#tokens[part]! += tokenEstimate(text.slice(before, from + index));
      const tokens = sum(this.#tokens);
      if (tokens < this.#tokensAtLook + every) continue;
      this.#tokensAtLook = tokens;
      this.#line.push({ texts: [...this.#texts], tokens });
    }
    this.#thin();
    if (this.#line.length > 0) this.#working ??= this.#work().finally(() => (this.#working = undefined));
  }

  /** Resolves when the looks that are due have been made, or the time for them is over. */
  async end(): Promise<void> {
    const timer = setTimeout(() => this.stop(), patience);
    await this.#working;
    clearTimeout(timer);
    this.stop();
  }

  /** Ends the look that is being made, and makes no other. */
  stop(): void {
    this.#stop.abort();
  }

  /** Leaves every second of the looks to come out where there are too many. */
  #thin(): void {
    while (this.#looks + this.#line.length > mostLooks && this.#line.length > 1) {
      const kept = this.#line.filter((_, i) => i % 2 === 1);
      this.#line.splice(0, this.#line.length, ...kept);
    }
  }

  async #work(): Promise<void> {
    const { signal } = this.#settings;
    const until = AbortSignal.any([this.#stop.signal, ...(signal ? [signal] : [])]);
    for (let grown = this.#line.shift(); grown !== undefined; grown = this.#line.shift()) {
      if (until.aborted || this.#looks >= mostLooks) return;
      this.#looks++;
      // A look is an extra: where there is no place for it, or its search fails, the answer tells.
      await this.#look(grown, until).catch(() => undefined);
    }
  }

  async #look({ texts, tokens }: GrownTexts, signal: AbortSignal): Promise<void> {
    const { plan, query, index, searches, k, excluded, told } = this.#settings;
    const { rerank: _, ...ranking } = plan;
    const anew = this.#anew;
    const { hits, milliseconds } = await searches.run(async () => {
      const began = performance.now();
      const found = await answerReasoned(ranking, query, this.#reasoned(texts), { k, excluded, signal });
      return { hits: found.hits, milliseconds: performance.now() - began };
    }, signal);
    const unknown = hits.map(({ id }) => id).filter((id) => !this.#titled.has(id));
    const documents = await storedDocuments(index, unknown);
    if (signal.aborted || anew !== this.#anew) return;
    for (const id of unknown) this.#titled.add(id);
    told({
      lengths: texts.map((text) => text.length),
      tokens,
      milliseconds,
      hits: hits.map(({ id, score, rank }) => {
        const title = documents.get(id)?.title ?? '';
        return { id, score, rank, ...(title !== '' && { title }) };
      }),
    });
  }

  /** What has been reasoned so far. */
  #reasoned(texts: readonly string[]): ReasonedQuery {
    const { query, plan } = this.#settings;
    const of = (text: string, reasoner: string): ReasonedQuery => ({
      query,
      text,
      reasoner,
      finish: 'stop',
      promptTokens: 0,
      completionTokens: 0,
      milliseconds: 0,
      cached: false,
    });
    const { id, members } = plan.reasoner;
    const whole = of(texts.filter((text) => text !== '').join('\n'), id);
    if (!members) return whole;
    return { ...whole, parts: members.map(({ reasoner }, i) => of(texts[i]!, reasoner.id)) };
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, number) => all + number, 0);
}
