import type { TermWeights } from '../collections/records.ts';

/** The terms of a query that a cluster can be asked for. */
export interface Clauses {
  /** Terms and weights, the heaviest first. */
  readonly kept: readonly (readonly [term: string, weight: number])[];
  /** Terms that are one clause too many, the heaviest first. */
  readonly dropped: readonly string[];
}

/**
 * The heaviest `limit` terms of `weights`; of terms that weigh the same, the rarest. Terms of weight 0, or that no document has,
 * are neither kept nor dropped.
 */
export function clausesOf(
  weights: TermWeights,
  documentFrequency: (term: string) => number,
  limit: number,
): Clauses {
  const terms = [...weights].filter(([term, weight]) => weight > 0 && documentFrequency(term) > 0);
  terms.sort(
    ([a, x], [b, y]) => y - x || documentFrequency(a) - documentFrequency(b) || (a < b ? -1 : Number(a > b)),
  );
  return { kept: terms.slice(0, limit), dropped: terms.slice(limit).map(([term]) => term) };
}
