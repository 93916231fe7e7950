import type { Hit, TermWeights } from '../collections/records.ts';
import { throwIfAborted } from '../errors.ts';
import { defaultBm25Parameters, type Bm25Parameters, type Scoring } from '../lexical/bm25.ts';
import type { SearchPlan } from '../lexical/search-plan.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import type { Analyzer, TermSpan } from '../text/analyzer.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import type { SearchOptions, TermRetriever, TermShare } from './retriever.ts';

/** `bm25` or `bm25q` over an open lexical index. The index stays the caller's to close. */
export class LexicalRetriever implements TermRetriever {
  readonly id: Scoring;
  readonly index: LexicalIndex;
  readonly parameters: Bm25Parameters;
  readonly #analyzer: Analyzer;

  constructor(index: LexicalIndex, scoring: Scoring, parameters: Bm25Parameters = defaultBm25Parameters) {
    this.index = index;
    this.id = scoring;
    this.parameters = parameters;
    this.#analyzer = analyzerNamed(index.analyzer);
  }

  async search(query: string | TermWeights, { k, excluded, signal }: SearchOptions): Promise<Hit[]> {
    throwIfAborted(signal);
    const weights = typeof query === 'string' ? this.weights(query) : query;
    return this.index.search(weights, { k, excluded, parameters: this.parameters });
  }

  documentFrequency(term: string): number {
    return this.index.documentFrequency(term);
  }

  spans(text: string): TermSpan[] {
    return this.#analyzer.spans(text);
  }

  weights(text: string): TermWeights {
    return this.index.queryWeights(this.#analyzer.terms(text), this.id, this.parameters);
  }

  shares(weights: TermWeights, id: string): TermShare[] {
    return this.index.contributions(weights, id, this.parameters);
  }

  plan(weights: TermWeights, k: number): SearchPlan {
    return this.index.plan(weights, { k, parameters: this.parameters });
  }
}
