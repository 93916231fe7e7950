import type { Answer, RetrievedWith } from './pipeline.ts';
import type { LexicalRetriever } from './lexical-retriever.ts';
import type { TermShare } from './retriever.ts';

/** Where a term of the final query comes from. */
export type TermOrigin = 'query' | 'reasoned' | 'both';

/** A term of what was searched. */
export interface ExplainedTerm {
  readonly term: string;
  /** w(t,q). */
  readonly weight: number;
  /** Documents that have it. */
  readonly documents: number;
  readonly origin: TermOrigin;
}

/** A hit's score, taken apart. */
export interface ExplainedHit {
  readonly id: string;
  /** Matching terms, the largest share first; of two fused searches, those of both. */
  readonly terms: readonly (TermShare & { readonly origin: TermOrigin })[];
}

/** What went into an answer, term by term. */
export interface Explanation {
  readonly searches: readonly {
    readonly from: RetrievedWith['from'];
    readonly text?: string;
    /** The heaviest first. */
    readonly terms: readonly ExplainedTerm[];
  }[];
  readonly hits: readonly ExplainedHit[];
}

/** Takes an answer of `retriever` apart: the terms that were searched, and what each brought to each hit. */
export function explainAnswer(answer: Answer, retriever: LexicalRetriever): Explanation {
  const inQuery = new Set(retriever.weights(answer.query).keys());
  const { text, weights } = answer.reasoned;
  // Weights hold the query's terms already; only of a text can be said that it has them too.
  const inText = new Set(weights ? [] : retriever.weights(text).keys());
  const origin = (term: string): TermOrigin =>
    inQuery.has(term) ? (inText.has(term) ? 'both' : 'query') : 'reasoned';
  const searches = answer.searches.map(
    ({ from, text: searched, weights: final = new Map<string, number>() }) => ({
      from,
      ...(searched !== undefined && { text: searched }),
      terms: Array.from(final)
        .filter(([, weight]) => weight > 0)
        .map(([term, weight]) => ({
          term,
          weight,
          documents: retriever.index.documentFrequency(term),
          origin: origin(term),
        }))
        .sort((a, b) => b.weight - a.weight || (a.term < b.term ? -1 : 1)),
    }),
  );
  const hits = answer.hits.map(({ id }) => ({
    id,
    terms: answer.searches
      .flatMap((search) => (search.weights ? retriever.shares(search.weights, id) : []))
      .map((share) => ({ ...share, origin: origin(share.term) }))
      .sort((a, b) => b.share - a.share),
  }));
  return { searches, hits };
}
