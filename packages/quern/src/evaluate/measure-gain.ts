import type { JudgedRanking } from './measure-judged-ranking.ts';

/** Level → gain. A level that is not named gains its own number. */
export type Gains = ReadonlyMap<number, number>;

const ownNumbers: Gains = new Map();

/**
 * Normalised discounted cumulative gain at `cutoff` (Järvelin and Kekäläinen, TOIS 20(4), 2002, as trec_eval's m_ndcg.c
 * and m_ndcg_cut.c have it): DCG = Σ gain(i) / log2(i + 1) over ranks i ≤ cutoff, divided by the DCG of the judged
 * documents in the order of their gains, those with a gain above 0. Unjudged documents gain nothing; the relevance level
 * plays no part. 0 where no judged document gains anything; below 0 only through gains below 0.
 *
 * trec_eval orders gains by the integer part of their differences and goes wrong where two of them, counting those of
 * the unnamed levels, are less than 1 apart; here they are ordered exactly.
 */
export function ndcg(ranking: JudgedRanking, cutoff = Infinity, gains: Gains = ownNumbers): number {
  const gain = (level: number) => (level < 0 ? 0 : (gains.get(level) ?? level));
  const ideal = ranking.judgedLevels.map(gain).filter((value) => value > 0);
  if (gains.size > 0) ideal.sort((a, b) => b - a);
  const best = discountedGain(ideal, cutoff);
  return best === 0 ? 0 : discountedGain(ranking.levels.map(gain), cutoff) / best;
}

function discountedGain(gains: readonly number[], cutoff: number): number {
  let sum = 0;
  for (let i = 0; i < gains.length && i < cutoff; i++) if (gains[i] !== 0) sum += gains[i] / Math.log2(i + 2);
  return sum;
}
