import type { BatchLimits } from './token-batches.ts';

/** Small enough for a processor's caches, large enough that starting a batch counts for little. */
export const batchLimits: BatchLimits = { area: 2048, sequences: 64 };
