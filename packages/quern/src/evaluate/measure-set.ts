import type { JudgedRanking } from './measure-judged-ranking.ts';

/**
 * Measures of the set of retrieved documents, whatever their order, as trec_eval defines them (m_set_*.c). r counts the
 * retrieved relevant documents, n the retrieved ones, R the relevant ones; all are 0 where a denominator is 0.
 */

/** Set precision: r / n. */
export function setPrecision({ levels, relevantRetrieved }: JudgedRanking): number {
  return relevantRetrieved === 0 ? 0 : relevantRetrieved / levels.length;
}

/** Set recall: r / R. */
export function setRecall({ relevant, relevantRetrieved }: JudgedRanking): number {
  return relevantRetrieved === 0 ? 0 : relevantRetrieved / relevant;
}

/** Relative set precision: r / min(n, R). */
export function setRelativePrecision({ levels, relevant, relevantRetrieved }: JudgedRanking): number {
  return relevantRetrieved === 0 ? 0 : relevantRetrieved / Math.min(levels.length, relevant);
}

/** Set average precision: r² / (n·R), the product of set precision and set recall. */
export function setAveragePrecision({ levels, relevant, relevantRetrieved }: JudgedRanking): number {
  return relevantRetrieved === 0 ? 0 : (relevantRetrieved * relevantRetrieved) / (levels.length * relevant);
}

/**
 * Set F: (x + 1)·P·Q / (x·P + Q) of set precision P and set recall Q, x being the weight of recall against precision
 * (the variant of van Rijsbergen's measure in trec_eval's m_set_F.c).
 */
export function setF(ranking: JudgedRanking, x = 1): number {
  if (ranking.relevantRetrieved === 0) return 0;
  const p = setPrecision(ranking);
  const q = setRecall(ranking);
  return ((x + 1) * p * q) / (x * p + q);
}
