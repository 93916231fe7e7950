import type { CorpusStatistics } from '../lexical/bm25.ts';
import type { AskOptions, OpenSearchConnection } from './connection.ts';

/** Terms that one request counts. */
const termsPerRequest = 500;

interface Counted {
  readonly aggregations: {
    readonly terms: { readonly buckets: readonly { readonly doc_count: number }[] };
  };
}

interface Lengths {
  readonly aggregations: {
    readonly all: { readonly value: number };
    readonly live: { readonly doc_count: number; readonly tokens: { readonly value: number } };
  };
}

/** In how many documents terms are, over all shards. Each term is asked for once. */
export class TermCounts {
  readonly #connection: OpenSearchConnection;
  readonly #counts = new Map<string, number>();

  constructor(connection: OpenSearchConnection) {
    this.#connection = connection;
  }

  /** How many documents there are, how many have terms, and how many on average: sums over the documents' exact lengths. */
  async statistics(
    signal: AbortSignal | undefined,
  ): Promise<CorpusStatistics & { readonly documents: number }> {
    const { all, live } = (
      await this.#search<Lengths>(
        {
          all: { value_count: { field: 'tokens' } },
          live: {
            filter: { range: { tokens: { gt: 0 } } },
            aggs: { tokens: { sum: { field: 'tokens' } } },
          },
        },
        { signal },
      )
    ).aggregations;
    const averageLength = live.tokens.value / Math.max(1, live.doc_count);
    return { documents: all.value, documentsWithTerms: live.doc_count, averageLength };
  }

  /** Asks for those of `terms` that are not known yet. */
  async count(terms: Iterable<string>, signal: AbortSignal | undefined): Promise<void> {
    const unknown = [...new Set(terms)].filter((term) => !this.#counts.has(term));
    for (let i = 0; i < unknown.length; i += termsPerRequest) {
      const some = unknown.slice(i, i + termsPerRequest);
      const filters = some.map((content) => ({ term: { content } }));
      const { aggregations } = await this.#search<Counted>({ terms: { filters: { filters } } }, { signal });
      for (const [place, term] of some.entries()) {
        this.#counts.set(term, aggregations.terms.buckets[place]!.doc_count);
      }
    }
  }

  /** How many documents have `term`. Throws for one that was not counted, which is a defect of ours. */
  of(term: string): number {
    const count = this.#counts.get(term);
    if (count === undefined) throw new Error(`the term ${JSON.stringify(term)} was not counted`);
    return count;
  }

  #search<T>(aggs: object, options: AskOptions): Promise<T> {
    const body: Record<string, unknown> = { size: 0, track_total_hits: false, aggs };
    return this.#connection.ask<T>(
      (client) =>
        client.search({
          index: this.#connection.address.index,
          allow_partial_search_results: false,
          body,
        }),
      options,
    );
  }
}
