import { compareHits } from '../collections/ranking-order.ts';
import type { Hit } from '../collections/records.ts';

/**
 * How rankings become one: `rrf` by reciprocal ranks (Cormack, Clarke and Büttcher 2009), `interpolate` by their scores, each
 * ranking's brought to 0 to 1.
 */
export type Fusion = 'rrf' | 'interpolate';

/** A ranking, best first, and how much it counts among others. */
export interface WeightedRanking {
  readonly hits: readonly Hit[];
  /** More than 0. */
  readonly weight: number;
}

/** What a ranking brings to the fused score of a document that it holds. */
export interface FusedShare {
  /** The place of the ranking among those that are fused. */
  readonly ranking: number;
  /** The document's rank in it. */
  readonly rank: number;
  readonly share: number;
}

/** Keeps the first ranks from outweighing all others; 60 as in Cormack, Clarke and Büttcher 2009. */
const constant = 60;

/** What a rank in one ranking brings to a score fused by reciprocal ranks: `1 / (60 + rank)`. */
export function reciprocalRank(rank: number): number {
  return 1 / (constant + rank);
}

/**
 * Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): `score(d) = Σ 1 / (60 + rank of d)` over the rankings that
 * hold d; the k best.
 */
export function reciprocalRankFusion(rankings: readonly (readonly Hit[])[], k: number): Hit[] {
  return fusedRankings(
    rankings.map((hits) => ({ hits, weight: 1 })),
    'rrf',
    k,
  );
}

/**
 * The k best documents of rankings together: `score(d) = Σ weight · value(d)` over those that hold d, where the value is
 * `1 / (60 + rank of d)` with `rrf`, and with `interpolate` the score between the ranking's lowest and highest,
 * `(s - lowest) / (highest - lowest)` (1 where all are equal). A ranking without d brings nothing, as if d stood at its end:
 * what is fused should reach well beyond k.
 */
export function fusedRankings(rankings: readonly WeightedRanking[], fusion: Fusion, k: number): Hit[] {
  const scores = new Map<string, number>();
  for (const ranking of rankings) {
    const valueOf = valuesOf(ranking.hits, fusion);
    for (const hit of ranking.hits) {
      scores.set(hit.id, (scores.get(hit.id) ?? 0) + ranking.weight * valueOf(hit));
    }
  }
  return Array.from(scores, ([id, score]) => ({ id, score: Math.fround(score) }))
    .sort(compareHits)
    .slice(0, k)
    .map(({ id, score }, i) => ({ id, score, rank: i + 1 }));
}

/** What each of the rankings brings to a document's fused score, those that do not hold it left out. */
export function fusedShares(
  rankings: readonly WeightedRanking[],
  fusion: Fusion,
): (id: string) => FusedShare[] {
  const all = rankings.map(({ hits, weight }) => ({
    weight,
    valueOf: valuesOf(hits, fusion),
    byId: new Map(hits.map((hit) => [hit.id, hit])),
  }));
  return (id) =>
    all.flatMap(({ weight, valueOf, byId }, ranking) => {
      const hit = byId.get(id);
      return hit ? [{ ranking, rank: hit.rank, share: weight * valueOf(hit) }] : [];
    });
}

function valuesOf(hits: readonly Hit[], fusion: Fusion): (hit: Hit) => number {
  if (fusion === 'rrf' || hits.length === 0) return ({ rank }) => reciprocalRank(rank);
  const lowest = hits[hits.length - 1].score;
  const range = hits[0].score - lowest;
  return ({ score }) => (range > 0 ? (score - lowest) / range : 1);
}
