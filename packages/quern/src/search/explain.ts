import type { SearchPlan } from '../lexical/search-plan.ts';
import type { Background } from './background.ts';
import { fusedShares } from './fusion.ts';
import type { KeptTerms } from './key-terms.ts';
import type { Answer } from './pipeline.ts';
import { searcherOf } from './ranked.ts';
import { isTermRetriever, type Retriever, type TermRetriever, type TermShare } from './retriever.ts';
import type { RetrievedWith } from './searches.ts';

/**
 * Where a term of the final query comes from: the query, the reasoned query, both, or documents that were found (by RM3, or in
 * a model's words only after it was shown passages).
 */
export type TermOrigin = 'query' | 'reasoned' | 'both' | 'feedback';

/** A term of what was searched. */
export interface ExplainedTerm {
  readonly term: string;
  /** w(t,q). */
  readonly weight: number;
  /** Documents that have it. */
  readonly documents: number;
  readonly origin: TermOrigin;
  /**
   * What its weight was multiplied by, where the reasoner's background is known: the less, the more it is a word of habit.
   * Where weights were interpolated, what its weight in the reasoned query was multiplied by.
   */
  readonly background?: number;
}

/**
 * A hit's score, taken apart: by terms, or, where rankings were fused, by its ranks in them; of hits that were reranked, the
 * score that they were found with, which is not told.
 */
export interface ExplainedHit {
  readonly id: string;
  /**
   * Matching terms, the largest share first; their shares add up to the score. None where rankings were fused, or where the
   * retriever does not score by terms.
   */
  readonly terms: readonly (TermShare & { readonly origin: TermOrigin })[];
  /** Only where rankings were fused: the hit's rank in each that has it; what these bring adds up to the score. */
  readonly ranks?: readonly {
    readonly from: RetrievedWith['from'];
    /** The place among `searches` of the one whose ranking it is, from 0. */
    readonly search: number;
    readonly rank: number;
    readonly share: number;
  }[];
}

/** What went into an answer, term by term. */
export interface Explanation {
  readonly searches: readonly {
    readonly from: RetrievedWith['from'];
    /** Whose reasoned query it is, where it is of one. */
    readonly reasoner?: string;
    /** The retriever of a hybrid that it is for. */
    readonly retriever?: string;
    readonly text?: string;
    /** The heaviest first; none where the retriever does not score by terms. */
    readonly terms: readonly ExplainedTerm[];
    /** Terms of the text that no document has, in their order. */
    readonly unknown: readonly string[];
    /** What was done for the query's key terms, where something was to be done. */
    readonly kept?: KeptTerms;
    /** Terms, the lightest ones, that were not searched, as a query of the index may have only so many. */
    readonly dropped?: readonly string[];
    /** How the index was searched; absent where the retriever does not say. */
    readonly plan?: SearchPlan;
  }[];
  readonly hits: readonly ExplainedHit[];
}

/**
 * Takes an answer of `retriever` apart: the terms that were searched, and what each brought to each hit. `background` is the
 * one that was searched with, `excluded` how many ids were excluded. Call
 * {@link prepareExplanation} first.
 */
export function explainAnswer(
  answer: Answer,
  retriever: Retriever,
  { background, excluded = 0 }: { readonly background?: Background; readonly excluded?: number } = {},
): Explanation {
  const searches = answer.searches.map((search) =>
    explainedSearch(search, answer, retriever, { background, excluded }),
  );
  if (answer.fused) return { searches, hits: fusedHits(answer, answer.fused) };
  const [search] = answer.searches;
  const searcher = searcherOf(search, retriever);
  if (!isTermRetriever(searcher)) return { searches, hits: answer.hits.map(({ id }) => ({ id, terms: [] })) };
  const origin = originsIn(answer, searcher);
  const hits = answer.hits.map(({ id }) => ({
    id,
    terms: searcher
      .shares(search.weights ?? new Map(), id)
      .map((share) => ({ ...share, origin: origin(share.term) })),
  }));
  return { searches, hits };
}

/** To be called before {@link explainAnswer}: finds out what the retriever has to ask somebody for. */
export async function prepareExplanation(
  answer: Answer,
  retriever: Retriever,
  signal?: AbortSignal,
): Promise<void> {
  if (answer.fused || answer.hits.length === 0) return;
  const [search] = answer.searches;
  const searcher = searcherOf(search, retriever);
  if (!isTermRetriever(searcher) || !search.weights) return;
  const ids = answer.hits.map(({ id }) => id);
  await searcher.prepareShares?.(search.weights, ids, signal);
}

function explainedSearch(
  search: RetrievedWith,
  answer: Answer,
  retriever: Retriever,
  { background, excluded }: { readonly background: Background | undefined; readonly excluded: number },
): Explanation['searches'][number] {
  const { from, reasoner, kept, lowered, part, text, weights: final = new Map<string, number>() } = search;
  const searcher = searcherOf(search, retriever);
  const facts = {
    from,
    ...(reasoner !== undefined && { reasoner }),
    ...(part !== undefined && { retriever: searcher.id }),
    ...(text !== undefined && { text }),
    ...(kept && { kept }),
  };
  if (!isTermRetriever(searcher)) return { ...facts, unknown: [], terms: [] };
  const origin = originsIn(answer, searcher);
  const dropped = searcher.dropped?.(final, excluded) ?? [];
  return {
    ...facts,
    ...(dropped.length > 0 && { dropped }),
    unknown: unknownTerms(text ?? '', searcher),
    terms: Array.from(final)
      .filter(([, weight]) => weight > 0)
      .map(([term, weight]) => ({
        term,
        weight,
        documents: searcher.documentFrequency(term),
        origin: origin(term),
        ...(background && lowered && { background: background.factor(term) }),
      }))
      .sort((a, b) => b.weight - a.weight || (a.term < b.term ? -1 : 1)),
    ...(searcher.plan && { plan: searcher.plan(final, answer.depth) }),
  };
}

/** Tells where terms come from. */
function originsIn(
  { query, reasoned, rounds }: Answer,
  retriever: TermRetriever,
): (term: string) => TermOrigin {
  const termsOf = (text: string): Iterable<string> => retriever.weights(text).keys();
  const inQuery = new Set(termsOf(query));
  const all = (rounds?.map((round) => round.reasoned) ?? [reasoned]).map((each) => each.parts ?? [each]);
  // Weights hold the query's terms already; only of a text can be said that it has them too.
  const [inFirst, inAny] = [all.slice(0, 1), all].map(
    (asked) => new Set(asked.flat().flatMap(({ text, weights }) => (weights ? [] : [...termsOf(text)]))),
  );
  const isFedBack = all.length > 1 || all[0].some(({ weights }) => weights !== undefined);
  return (term) => {
    if (inQuery.has(term)) return inAny.has(term) ? 'both' : 'query';
    return isFedBack && !inFirst.has(term) ? 'feedback' : 'reasoned';
  };
}

function unknownTerms(text: string, retriever: TermRetriever): string[] {
  const terms = new Set(retriever.spans(text).map(({ term }) => term));
  return [...terms].filter((term) => retriever.documentFrequency(term) === 0);
}

function fusedHits(
  { searches, rankings, hits }: Answer,
  { by, weights }: NonNullable<Answer['fused']>,
): ExplainedHit[] {
  const weighted = rankings.map((ranking, i) => ({ hits: ranking, weight: weights[i] }));
  const shares = fusedShares(weighted, by);
  return hits.map(({ id }) => ({
    id,
    terms: [],
    ranks: shares(id).map(({ ranking, rank, share }) => ({
      from: searches[ranking].from,
      search: ranking,
      rank,
      share,
    })),
  }));
}
