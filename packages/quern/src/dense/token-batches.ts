/** Batches of token sequences: texts of about one length go together, as all are padded to the longest. */

/** What one batch may hold. */
export interface BatchLimits {
  /** The most tokens, padding included; a sequence that has more is alone. */
  readonly area: number;
  readonly sequences: number;
}

/**
 * The positions of sequences, put into batches, the longest first: no batch has more than the limits allow. Which batch a
 * sequence comes into depends on the sequences and not on their order, if no two are equal: those of one length are ordered by
 * their tokens.
 */
export function tokenBatches(sequences: readonly Int32Array[], limits: BatchLimits): number[][] {
  const order = sequences
    .map((_, position) => position)
    .sort((a, b) => compareSequences(sequences[a], sequences[b]));
  const batches: number[][] = [];
  let batch: number[] = [];
  for (const position of order) {
    const longest = sequences[batch[0] ?? position].length;
    const isFull = batch.length >= limits.sequences || (batch.length + 1) * longest > limits.area;
    if (batch.length > 0 && isFull) {
      batches.push(batch);
      batch = [];
    }
    batch.push(position);
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}

function compareSequences(a: Int32Array, b: Int32Array): number {
  if (a.length !== b.length) return b.length - a.length;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
}
