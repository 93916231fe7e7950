import { compareHits } from '../collections/ranking-order.ts';
import type { Hit } from '../collections/records.ts';

/** Keeps the first ranks from outweighing all others; 60 as in Cormack, Clarke and Büttcher 2009. */
const constant = 60;

/** What a rank in one ranking brings to a fused score: `1 / (60 + rank)`. */
export function reciprocalRank(rank: number): number {
  return 1 / (constant + rank);
}

/**
 * Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): `score(d) = Σ 1 / (60 + rank of d)` over the rankings that
 * hold d; the k best.
 */
export function reciprocalRankFusion(rankings: readonly (readonly Hit[])[], k: number): Hit[] {
  const scores = new Map<string, number>();
  for (const ranking of rankings) {
    for (const { id, rank } of ranking) scores.set(id, (scores.get(id) ?? 0) + reciprocalRank(rank));
  }
  return Array.from(scores, ([id, score]) => ({ id, score: Math.fround(score) }))
    .sort(compareHits)
    .slice(0, k)
    .map(({ id, score }, i) => ({ id, score, rank: i + 1 }));
}
