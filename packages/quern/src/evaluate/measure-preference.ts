import type { JudgedRanking } from './measure-judged-ranking.ts';

/**
 * Binary preference (Buckley and Voorhees, SIGIR 2004, as trec_eval's m_bpref.c has it since version 8): with R
 * documents judged relevant and N judged not relevant, the sum over the retrieved relevant documents of
 * 1 - min(n, R) / min(N, R), divided by R, where n counts the documents judged not relevant that are ranked above.
 * Unjudged documents are passed over. 0 without relevant documents.
 */
export function binaryPreference({ levels, judgedLevels, relevanceLevel, relevant }: JudgedRanking): number {
  if (relevant === 0) return 0;
  const most = Math.min(judgedLevels.length - relevant, relevant);
  let above = 0;
  let sum = 0;
  for (const level of levels) {
    if (level < 0) continue;
    if (level < relevanceLevel) above++;
    else sum += above === 0 ? 1 : 1 - Math.min(above, relevant) / most;
  }
  return sum / relevant;
}
