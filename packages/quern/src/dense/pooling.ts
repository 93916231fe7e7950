import type { Pooling } from './embedding-settings.ts';

/** The vectors of a batch's tokens, as a model gives them. */
export interface TokenVectors {
  /** Shape: (sequences, tokens, dimensions), row by row. */
  readonly values: Float32Array;
  readonly tokens: number;
  readonly dimensions: number;
}

/** How they are pooled. */
export interface PoolingRule {
  readonly pooling: Pooling;
  /** Tokens in front that a mean leaves out. */
  readonly skipped: number;
  readonly isNormalized: boolean;
}

/**
 * The pooled vector of each sequence, one after the other, shape (sequences, dimensions). `lengths` are the sequences' own
 * tokens; what is beyond is padding. Sums are in double precision.
 */
export function pooledVectors(
  { values, tokens, dimensions }: TokenVectors,
  lengths: readonly number[],
  { pooling, skipped, isNormalized }: PoolingRule,
): Float32Array {
  const pooled = new Float32Array(lengths.length * dimensions);
  const sum = new Float64Array(dimensions);
  for (const [sequence, length] of lengths.entries()) {
    // Of a text that is cut within its instruction nothing else is left.
    const skip = skipped < length ? skipped : 0;
    const [from, to] =
      pooling === 'mean' ? [skip, length] : pooling === 'cls' ? [0, 1] : [length - 1, length];
    sum.fill(0);
    for (let token = from; token < to; token++) {
      const row = (sequence * tokens + token) * dimensions;
      for (let i = 0; i < dimensions; i++) sum[i] += values[row + i];
    }
    const scale = isNormalized ? 1 / Math.max(lengthOf(sum), 1e-12) : 1 / Math.max(to - from, 1);
    for (let i = 0; i < dimensions; i++) pooled[sequence * dimensions + i] = sum[i] * scale;
  }
  return pooled;
}

function lengthOf(vector: Float64Array): number {
  let squares = 0;
  for (const value of vector) squares += value * value;
  return Math.sqrt(squares);
}
