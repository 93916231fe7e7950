import { documentText, type Hit, type TermWeights } from '../collections/records.ts';
import { throwIfAborted } from '../errors.ts';
import {
  defaultBm25Parameters,
  inverseDocumentFrequency,
  lengthNorm,
  saturation,
  type Bm25Parameters,
  type Scoring,
} from '../lexical/bm25.ts';
import type { SearchPlan } from '../lexical/search-plan.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import type { Analyzer, TermSpan } from '../text/analyzer.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import type { GrowingRanking, SearchOptions, TermRetriever, TermShare } from './retriever.ts';

/** About as many terms as a reasoned query of 400 tokens has. */
const expectedTerms = 200;

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

  /**
   * With `bm25q`, whose weights all change with each further term, an occurrence has the weight that it would have in a text of
   * 200 terms (about as many as a reasoned query of 400 tokens has): `idf · (saturation(n) - saturation(n - 1))` for the n-th of a term.
   */
  growing({ k, excluded }: SearchOptions): GrowingRanking {
    const { parameters } = this;
    const search = this.index.growingSearch({ excluded, parameters });
    const { averageLength, documentsWithTerms } = this.index.statistics;
    const norm = lengthNorm(expectedTerms, averageLength, parameters);
    const counts = new Map<string, number>();
    const weightOf = (term: string): number => {
      const documents = this.index.documentFrequency(term);
      if (documents === 0) return 0;
      if (this.id === 'bm25') return 1;
      const count = (counts.get(term) ?? 0) + 1;
      counts.set(term, count);
      const more = saturation(count, norm) - saturation(count - 1, norm);
      return inverseDocumentFrequency(documentsWithTerms, documents) * more;
    };
    return {
      add: (text) => {
        for (const term of this.#analyzer.terms(text)) {
          const weight = weightOf(term);
          if (weight > 0) search.add(term, weight);
        }
      },
      best: () => search.best(k),
    };
  }

  /** Undefined for an index that was built without storing. */
  get document(): ((id: string) => Promise<string | undefined>) | undefined {
    if (!this.index.hasStore) return undefined;
    return async (id) => {
      const stored = await this.index.document(id);
      return stored && documentText(stored);
    };
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
