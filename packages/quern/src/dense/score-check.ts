import { QuernError } from '../errors.ts';

/** The scores, where each of them is a finite number. Throws `BAD_REPLY` naming the text by its position. */
export function checkedScores(scores: Float32Array, where: string): Float32Array {
  const wrong = scores.findIndex((score) => !Number.isFinite(score));
  if (wrong === -1) return scores;
  throw new QuernError('BAD_REPLY', `the score of text ${wrong + 1} is no finite number`, { where });
}
