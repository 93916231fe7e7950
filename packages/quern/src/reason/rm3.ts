/**
 * RM3: pseudo-relevance feedback by an interpolated relevance model (Abdul-Jaleel et al. 2004), as Anserini estimates
 * it. It needs no model and no network: the index itself is asked which terms weigh most in the best documents.
 *
 * For the n best documents d of the query, each reduced to its m most frequent terms:
 *
 *     p(t|R)  ∝  Σ_d  tf(t,d) / Σ_t' tf(t',d)  ·  score(q,d)          the m best terms, scaled to sum 1
 *     w(t)    =  λ · w(t,q) / Σ w(t',q)  +  (1 - λ) · p(t|R)
 *
 * Two choices are ours: terms that the index does not know are dropped before the query is scaled (Anserini's keep their
 * share, and weaken the known ones), and with `bm25q` the query's part carries that scoring's weights. Terms that can
 * expand are 2 to 20 characters of a–z and 0–9 and stand in at most a tenth of the documents.
 */
import type { TermWeights } from '../collections/records.ts';
import { QuernError, throwIfAborted } from '../errors.ts';
import { defaultBm25Parameters, type Bm25Parameters, type Scoring } from '../lexical/bm25.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { heaviestFirst, interpolated } from '../lexical/term-weights.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import type { ReasonedQuery, ReasonOptions, Reasoner } from './reasoner.ts';

/** RM3's parameters, with Anserini's defaults. */
export interface Rm3Options {
  /** n, feedback documents. Default 10. */
  readonly documents?: number;
  /** m, expansion terms. Default 10. */
  readonly terms?: number;
  /** λ, the weight of the original query, 0 to 1. Default 0.5. */
  readonly originalWeight?: number;
  /** BM25's k1 and b for the search for feedback: those of the retriever that its weights are for. */
  readonly parameters?: Bm25Parameters;
}

/** `rm3`: its reasoned query is a set of term weights. */
export class Rm3Reasoner implements Reasoner {
  readonly id = 'rm3';
  readonly #index: LexicalIndex;
  readonly #scoring: Scoring;
  readonly #documents: number;
  readonly #terms: number;
  readonly #originalWeight: number;
  readonly #parameters: Bm25Parameters;

  constructor(
    index: LexicalIndex,
    scoring: Scoring,
    { documents = 10, terms = 10, originalWeight = 0.5, parameters = defaultBm25Parameters }: Rm3Options = {},
  ) {
    for (const count of [documents, terms]) {
      if (!Number.isSafeInteger(count) || count < 1) {
        throw new QuernError(
          'USAGE',
          `RM3 needs a positive whole number of documents and terms, not ${count}`,
        );
      }
    }
    if (!(originalWeight >= 0 && originalWeight <= 1)) {
      throw new QuernError('USAGE', `RM3's original weight lies between 0 and 1, not ${originalWeight}`);
    }
    this.#index = index;
    this.#scoring = scoring;
    this.#documents = documents;
    this.#terms = terms;
    this.#originalWeight = originalWeight;
    this.#parameters = parameters;
  }

  async reason(query: string, { excluded, signal }: ReasonOptions = {}): Promise<ReasonedQuery> {
    const started = performance.now();
    const terms = analyzerNamed(this.#index.analyzer).terms(query);
    const original = this.#index.queryWeights(terms, this.#scoring, this.#parameters);
    const model = await this.#relevanceModel(original, excluded, signal);
    // Without a term to add, as in an index of a few documents, it stands aside.
    const weights = model.size === 0 ? undefined : interpolated(original, model, this.#originalWeight);
    return {
      query,
      text: weights ? weightedTerms(weights) : '',
      weights,
      reasoner: this.id,
      finish: weights ? 'stop' : 'skipped',
      promptTokens: 0,
      completionTokens: 0,
      milliseconds: performance.now() - started,
      cached: false,
    };
  }

  async close(): Promise<void> {}

  async #relevanceModel(
    original: TermWeights,
    excluded: Iterable<string> | undefined,
    signal: AbortSignal | undefined,
  ): Promise<TermWeights> {
    const model = new Map<string, number>();
    for (const { id, score } of this.#index.search(original, {
      k: this.#documents,
      excluded,
      parameters: this.#parameters,
    })) {
      throwIfAborted(signal);
      const frequencies = this.#heaviest(await this.#expansionTerms(id));
      let total = 0;
      for (const [, frequency] of frequencies) total += frequency;
      for (const [term, frequency] of frequencies) {
        model.set(term, (model.get(term) ?? 0) + (frequency / total) * score);
      }
    }
    return new Map(this.#heaviest(model));
  }

  async #expansionTerms(id: string): Promise<Map<string, number>> {
    const index = this.#index;
    const most = index.facts.documents / 10;
    const terms = new Map<string, number>();
    for (const [term, frequency] of await index.vector(id)) {
      if (/^[a-z0-9]{2,20}$/.test(term) && index.documentFrequency(term) <= most) terms.set(term, frequency);
    }
    return terms;
  }

  /** The terms of most weight, ties in code unit order. */
  #heaviest(weights: ReadonlyMap<string, number>): [string, number][] {
    return heaviestFirst(weights).slice(0, this.#terms);
  }
}

/** Term weights as people read them, the heaviest first: `term^0.1234 …`. */
function weightedTerms(weights: TermWeights): string {
  return heaviestFirst(weights)
    .map(([term, weight]) => `${term}^${weight.toFixed(4)}`)
    .join(' ');
}
