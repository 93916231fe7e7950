import { createHash } from 'node:crypto';
import { QuernError } from '../errors.ts';

/** What the seed of one generation is derived from. */
export interface SeedOrigin {
  /** What names the model's content: a hash of its file, or the server's name for it. */
  readonly model: string;
  /** The user turn, in which the query stands. */
  readonly prompt: string;
  /** Which of several samples, from 0. */
  readonly sample: number;
  /** The number that the caller chose; 0 unless told otherwise. */
  readonly seed: number;
}

/**
 * The seed of one generation, 31 bits (servers take signed integers): the first bits of the SHA-256 of where it comes
 * from. So the same call has the same seed on every machine, and no two queries share one but by chance.
 */
export function derivedSeed({ model, prompt, sample, seed }: SeedOrigin): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([model, prompt, sample, seed]))
    .digest();
  return digest.readUInt32BE(0) >>> 1;
}

/** Throws `USAGE` for a seed that is no whole number. */
export function checkSeed(seed: number | undefined): void {
  if (seed === undefined || Number.isSafeInteger(seed)) return;
  throw new QuernError('USAGE', `is a whole number, not ${seed}`, { where: 'seed' });
}
