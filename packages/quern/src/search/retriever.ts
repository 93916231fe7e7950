import type { Hit, TermWeights } from '../collections/records.ts';
import type { SearchPlan } from '../lexical/search-plan.ts';
import type { TermSpan } from '../text/analyzer.ts';

/** How one search is done. */
export interface SearchOptions {
  /** How many hits at most. */
  readonly k: number;
  /** Ids of documents that are removed before the cut at k. */
  readonly excluded?: Iterable<string>;
  readonly signal?: AbortSignal;
}

/** Ranks documents for a query. */
export interface Retriever {
  /** The string that names it on the command line and in reports, e.g. `bm25`. */
  readonly id: string;
  /** The k best documents, best first, in the order of `compareHits`. Takes text, or final term weights w(t,q). */
  search(query: string | TermWeights, options: SearchOptions): Promise<Hit[]>;
  /** To be called before weights of these texts are asked for; absent where nothing has to be found out before. */
  prepare?(texts: readonly string[], signal?: AbortSignal): Promise<void>;
  /** A ranking for a text that grows, at the cost of what is added; absent where only whole texts can be searched. */
  growing?(options: SearchOptions): GrowingRanking;
  /** The text of a document, its title before it; absent where the retriever has no texts. */
  document?(id: string): Promise<string | undefined>;
}

/** A ranking for a text that grows. */
export interface GrowingRanking {
  /** Adds to the text; what is added begins and ends where words do. */
  add(text: string): void;
  /** The k best documents for the text so far, nearly as a search would rank them. */
  best(): Hit[];
}

/** One term's part in a document's score. */
export interface TermShare {
  readonly term: string;
  /** w(t,q). */
  readonly queryWeight: number;
  /** w(t,d). */
  readonly documentWeight: number;
  /** Their product. */
  readonly share: number;
}

/** A retriever whose scores are sums over terms: it can say which weights a text becomes, and what they bring. */
export interface TermRetriever extends Retriever {
  /** The final weights w(t,q) of a text. */
  weights(text: string): TermWeights;
  /** How many documents have a term. */
  documentFrequency(term: string): number;
  /** The terms of a text with their places in it, in order. */
  spans(text: string): TermSpan[];
  /** Each matching term's share of a document's score, the largest first. */
  shares(weights: TermWeights, id: string): TermShare[];
  /** To be called before shares in these documents are asked for; absent where nothing has to be found out before. */
  prepareShares?(weights: TermWeights, ids: readonly string[], signal?: AbortSignal): Promise<void>;
  /** Terms of weights that are left out, as there are too many, where so many ids are excluded; absent where any number goes. */
  dropped?(weights: TermWeights, excluded: number): readonly string[];
  /** How a search for the k best goes about it; absent where there is but one way. */
  plan?(weights: TermWeights, k: number): SearchPlan;
}

/** Whether a retriever scores by terms. */
export function isTermRetriever(retriever: Retriever): retriever is TermRetriever {
  return 'weights' in retriever && 'shares' in retriever;
}
