import type { JudgedRanking } from './measure-judged-ranking.ts';

/**
 * Measures of the ranks of relevant documents, as trec_eval defines them (m_P.c, m_recall.c, m_rel_P.c, m_success.c,
 * m_Rprec.c, m_recip_rank.c, m_map.c, m_map_cut.c). Ranks beyond the end of a ranking hold irrelevant documents, and a
 * topic without relevant documents has the value 0. R is the number of relevant documents of the topic.
 */

function relevantWithin({ levels, relevanceLevel }: JudgedRanking, cutoff: number): number {
  let relevant = 0;
  for (let i = 0; i < levels.length && i < cutoff; i++) if (levels[i] >= relevanceLevel) relevant++;
  return relevant;
}

/** Precision at k: relevant documents within the first k ranks, divided by k (even if fewer were retrieved). */
export function precision(ranking: JudgedRanking, k: number): number {
  return relevantWithin(ranking, k) / k;
}

/** Recall at k: relevant documents within the first k ranks, divided by R. */
export function recall(ranking: JudgedRanking, k: number): number {
  return ranking.relevant === 0 ? 0 : relevantWithin(ranking, k) / ranking.relevant;
}

/** Relative precision at k: relevant documents within the first k ranks, divided by the most there can be, min(k, R). */
export function relativePrecision(ranking: JudgedRanking, k: number): number {
  return ranking.relevant === 0 ? 0 : relevantWithin(ranking, k) / Math.min(k, ranking.relevant);
}

/** Success at k: 1 if any of the first k ranks holds a relevant document, else 0. */
export function success(ranking: JudgedRanking, k: number): number {
  return relevantWithin(ranking, k) > 0 ? 1 : 0;
}

/** R-precision: precision at R. */
export function rPrecision(ranking: JudgedRanking): number {
  return recall(ranking, ranking.relevant);
}

/** Reciprocal rank: 1 / rank of the first relevant document, 0 if none was retrieved. */
export function reciprocalRank({ levels, relevanceLevel }: JudgedRanking): number {
  const first = levels.findIndex((level) => level >= relevanceLevel);
  return first === -1 ? 0 : 1 / (first + 1);
}

/** Average precision at k: Σ over ranks i ≤ k of relevant documents of P@i, divided by R. */
export function averagePrecision({ levels, relevanceLevel, relevant }: JudgedRanking, k = Infinity): number {
  if (relevant === 0) return 0;
  let seen = 0;
  let sum = 0;
  for (let i = 0; i < levels.length && i < k; i++) {
    if (levels[i] < relevanceLevel) continue;
    seen++;
    sum += seen / (i + 1);
  }
  return sum / relevant;
}
