import type { SearchPlan } from '../lexical/search-plan.ts';
import { reciprocalRank } from './fusion.ts';
import type { Answer, RetrievedWith } from './pipeline.ts';
import type { TermRetriever, TermShare } from './retriever.ts';

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

/** A hit's score, taken apart: by terms, or, where rankings were fused, by its ranks in them. */
export interface ExplainedHit {
  readonly id: string;
  /** Matching terms, the largest share first; their shares add up to the score. None where rankings were fused. */
  readonly terms: readonly (TermShare & { readonly origin: TermOrigin })[];
  /** Only where rankings were fused: the hit's rank in each that has it; the reciprocals add up to the score. */
  readonly ranks?: readonly {
    readonly from: RetrievedWith['from'];
    readonly rank: number;
    readonly share: number;
  }[];
}

/** What went into an answer, term by term. */
export interface Explanation {
  readonly searches: readonly {
    readonly from: RetrievedWith['from'];
    readonly text?: string;
    /** The heaviest first. */
    readonly terms: readonly ExplainedTerm[];
    /** How the index was searched; absent where the retriever does not say. */
    readonly plan?: SearchPlan;
  }[];
  readonly hits: readonly ExplainedHit[];
}

/** Takes an answer of `retriever` apart: the terms that were searched, and what each brought to each hit. */
export function explainAnswer(answer: Answer, retriever: TermRetriever): Explanation {
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
          documents: retriever.documentFrequency(term),
          origin: origin(term),
        }))
        .sort((a, b) => b.weight - a.weight || (a.term < b.term ? -1 : 1)),
      ...(retriever.plan && { plan: retriever.plan(final, answer.depth) }),
    }),
  );
  const hits =
    answer.searches.length > 1
      ? fusedHits(answer)
      : answer.hits.map(({ id }) => ({
          id,
          terms: retriever
            .shares(answer.searches[0].weights ?? new Map(), id)
            .map((share) => ({ ...share, origin: origin(share.term) })),
        }));
  return { searches, hits };
}

function fusedHits({ searches, rankings, hits }: Answer): ExplainedHit[] {
  const ranks = rankings.map((ranking) => new Map(ranking.map(({ id, rank }) => [id, rank])));
  return hits.map(({ id }) => ({
    id,
    terms: [],
    ranks: searches.flatMap(({ from }, i) => {
      const rank = ranks[i].get(id);
      return rank === undefined ? [] : [{ from, rank, share: reciprocalRank(rank) }];
    }),
  }));
}
