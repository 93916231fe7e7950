import { compareHits } from '../collections/ranking-order.ts';
import type { Hit } from '../collections/records.ts';

/**
 * Reciprocal rank fusion: `score(d) = Σ 1 / (constant + rank of d)` over the rankings that hold d; the k best. Cormack,
 * Clarke and Büttcher 2009, whose constant is 60.
 */
export function reciprocalRankFusion(rankings: readonly (readonly Hit[])[], k: number, constant = 60): Hit[] {
  const scores = new Map<string, number>();
  for (const ranking of rankings) {
    for (const { id, rank } of ranking) scores.set(id, (scores.get(id) ?? 0) + 1 / (constant + rank));
  }
  return Array.from(scores, ([id, score]) => ({ id, score: Math.fround(score) }))
    .sort(compareHits)
    .slice(0, k)
    .map(({ id, score }, i) => ({ id, score, rank: i + 1 }));
}
