import { documentText, type Hit, type TermWeights } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import { queryWeights, type Bm25Parameters, type Scoring } from '../lexical/bm25.ts';
import type { OpenSearchIndex } from '../opensearch/open-search-index.ts';
import type { Analyzer, TermSpan } from '../text/analyzer.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import type { SearchOptions, TermRetriever, TermShare } from './retriever.ts';

/**
 * `bm25` or `bm25q` over an index in an OpenSearch cluster. What weights need to know of terms is asked for by {@link prepare}; the
 * cluster scores. The index stays the caller's to close.
 */
export class OpenSearchRetriever implements TermRetriever {
  readonly id: Scoring;
  readonly index: OpenSearchIndex;
  readonly #analyzer: Analyzer;
  /** Of the weights that were explained last. */
  #shares: ReadonlyMap<string, ReadonlyMap<string, number>> = new Map();

  /** Throws `USAGE` for k1 and b that the index was not created with. */
  constructor(index: OpenSearchIndex, scoring: Scoring, parameters: Bm25Parameters = index.parameters) {
    const { k1, b } = index.parameters;
    if (parameters.k1 !== k1 || parameters.b !== b) {
      throw new QuernError('USAGE', `the index was created with k1 ${k1} and b ${b}`, {
        where: index.name,
        hint: 'In OpenSearch they belong to the index: leave --k1 and --b out',
      });
    }
    this.index = index;
    this.id = scoring;
    this.#analyzer = analyzerNamed(index.analyzer);
  }

  async prepare(texts: readonly string[], signal?: AbortSignal): Promise<void> {
    await this.index.countTerms(
      texts.flatMap((text) => this.#analyzer.terms(text)),
      signal,
    );
  }

  async search(query: string | TermWeights, options: SearchOptions): Promise<Hit[]> {
    if (typeof query !== 'string') return this.index.search(query, options);
    await this.prepare([query], options.signal);
    return this.index.search(this.weights(query), options);
  }

  /** Undefined for an index that was loaded without storing. */
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
    const frequency = (term: string): number => this.index.documentFrequency(term);
    const { statistics, parameters } = this.index;
    return queryWeights(this.#analyzer.terms(text), frequency, statistics, this.id, parameters);
  }

  dropped(weights: TermWeights, excluded: number): readonly string[] {
    return this.index.clauses(weights, excluded).dropped;
  }

  async prepareShares(weights: TermWeights, ids: readonly string[], signal?: AbortSignal): Promise<void> {
    this.#shares = await this.index.shares(weights, ids, signal);
  }

  /** Known for the weights and documents of {@link prepareShares}; else there are none. */
  shares(weights: TermWeights, id: string): TermShare[] {
    const shares = [...(this.#shares.get(id) ?? [])].flatMap(([term, share]): TermShare[] => {
      const queryWeight = weights.get(term);
      if (queryWeight === undefined || queryWeight === 0) return [];
      return [{ term, queryWeight, documentWeight: share / queryWeight, share }];
    });
    return shares.sort((a, b) => b.share - a.share || (a.term < b.term ? -1 : 1));
  }
}
