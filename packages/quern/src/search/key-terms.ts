import type { TermWeights } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import type { TermRetriever } from './retriever.ts';

/** How many of a query's terms are its key terms, at most. */
const most = 5;

/** What was done so that a query's key terms survive. */
export interface KeptTerms {
  /** The key terms: those of the query that the fewest documents have, the rarest first. */
  readonly terms: readonly string[];
  /** Their share of all weight before, and after. */
  readonly before: number;
  readonly after: number;
}

/** The key terms of a query: the five that the fewest documents have, among those that the index knows. */
export function keyTerms(query: string, retriever: TermRetriever): string[] {
  return [...retriever.weights(query).keys()]
    .map((term) => ({ term, documents: retriever.documentFrequency(term) }))
    .filter(({ documents }) => documents > 0)
    .sort((a, b) => a.documents - b.documents || (a.term < b.term ? -1 : 1))
    .slice(0, most)
    .map(({ term }) => term);
}

/**
 * `weights` with so much of the query's own weights of its key terms added that these have at least `share` of the sum of all
 * weights: with S the sum, K that of the key terms and Q that of their weights in the query, the query's weights times
 * `(share · S - K) / (Q · (1 - share))`. Throws `USAGE` unless `share` is at least 0 and below 1.
 */
export function withKeyTerms(
  weights: TermWeights,
  query: string,
  retriever: TermRetriever,
  share: number,
): { weights: TermWeights; kept: KeptTerms } {
  if (!(share >= 0 && share < 1)) {
    throw new QuernError('USAGE', `the share of key terms is at least 0 and below 1, not ${share}`);
  }
  const own = retriever.weights(query);
  const terms = keyTerms(query, retriever);
  let all = 0;
  for (const weight of weights.values()) all += weight;
  const sumOf = (of: TermWeights): number => terms.reduce((sum, term) => sum + (of.get(term) ?? 0), 0);
  const before = all === 0 ? 0 : sumOf(weights) / all;
  if (all === 0 || before >= share || terms.length === 0)
    return { weights, kept: { terms, before, after: before } };
  const factor = ((share - before) * all) / (sumOf(own) * (1 - share));
  const raised = new Map(weights);
  for (const term of terms) raised.set(term, (raised.get(term) ?? 0) + factor * (own.get(term) ?? 0));
  return { weights: raised, kept: { terms, before, after: share } };
}
