import { samplingOf, type Sampling } from '../models/sampling.ts';

export type { Sampling } from '../models/sampling.ts';

/** The sampling that the published reasoned queries were made with (TongSearch-QR, arXiv 2506.11603). */
export const publishedSampling: Sampling = {
  temperature: 0.7,
  topP: 0.8,
  topK: 20,
  repetitionPenalty: 1.05,
  maxTokens: 500,
};

/** The published sampling with what `changes` set, the first of them counting most. Throws `USAGE` for a value out of its range. */
export function checkedSampling(...changes: readonly (Partial<Sampling> | undefined)[]): Sampling {
  return samplingOf(publishedSampling, ...changes);
}
