import type { SearchHit } from '../../service/answers.ts';
import type { Origin } from './origins.tsx';

/** What brought a hit its score, by where it comes from; in the order of the legend. */
export interface OriginShare {
  readonly origin: Origin;
  readonly share: number;
}

const order: readonly Origin[] = ['query', 'both', 'reasoned', 'feedback'];

/**
 * The shares of a hit's score by origin: of its terms, or, where rankings were fused, of those. None where nothing is told, as of a
 * retriever that does not score by terms. Of hits that were reranked they add up to the score that these were found with.
 */
export function originShares({ terms = [], ranks = [] }: Pick<SearchHit, 'terms' | 'ranks'>): OriginShare[] {
  const sums = new Map<Origin, number>();
  for (const { origin, share } of terms) sums.set(origin, (sums.get(origin) ?? 0) + share);
  for (const { from, share } of ranks) sums.set(from, (sums.get(from) ?? 0) + share);
  return order.flatMap((origin) => {
    const share = sums.get(origin) ?? 0;
    return share > 0 ? [{ origin, share }] : [];
  });
}

/** The sum of shares. */
export function shareSum(shares: readonly OriginShare[]): number {
  return shares.reduce((sum, { share }) => sum + share, 0);
}
