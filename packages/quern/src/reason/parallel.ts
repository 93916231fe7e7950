import { QuernError } from '../errors.ts';

/** How many queries a model in this process is asked at once. Throws `USAGE` for what is no number from 1 to 256. */
export function checkedParallel(parallel = 1): number {
  if (Number.isSafeInteger(parallel) && parallel >= 1 && parallel <= 256) return parallel;
  throw new QuernError('USAGE', `is a whole number from 1 to 256, not ${parallel}`, { where: 'parallel' });
}
