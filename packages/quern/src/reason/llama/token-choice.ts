/**
 * The choice of a token from the likeliest ones. llama.cpp cuts by top-p before it applies the temperature; transformers and
 * vLLM, with which the published reasoned queries were made, apply the temperature first, so that top-p takes fewer tokens
 * where the temperature is below 1. This is their order: (repetition penalty, top-k,) temperature, top-p.
 */
import type { Sampling } from '../sampling.ts';

/** The likeliest tokens, likeliest first, with probabilities that are right up to a common factor. */
export type Candidates = ReadonlyMap<number, number>;

/**
 * The token that `random` (a uniform 32-bit unsigned integer) picks among `candidates`, tempered, from the smallest set of
 * the likeliest whose probabilities sum to topP. With temperature 0 the likeliest. Throws RangeError where there is none.
 */
export function chosenToken(
  candidates: Candidates,
  { temperature, topP }: Pick<Sampling, 'temperature' | 'topP'>,
  random: number,
): number {
  const entries = candidates.entries();
  const first = entries.next().value;
  if (first === undefined) throw new RangeError('no token to choose from');
  if (temperature === 0) return first[0];
  const tokens = [first[0]];
  const sums = [1];
  for (const [token, probability] of entries) {
    tokens.push(token);
    sums.push(sums[sums.length - 1] + (probability / first[1]) ** (1 / temperature));
  }
  const total = sums[sums.length - 1];
  const last = sums.findIndex((sum) => sum >= topP * total);
  const nucleus = last < 0 ? sums.length - 1 : last;
  const drawn = (random / 2 ** 32) * sums[nucleus];
  const chosen = sums.findIndex((sum) => sum > drawn);
  return tokens[Math.min(chosen < 0 ? nucleus : chosen, nucleus)];
}
