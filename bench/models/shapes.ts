/** Shapes of models that are measured with random weights. */
import type { Qwen2Config } from 'quern/torch';

/** Five million parameters. No token ends a completion. */
export const fiveMillion: Qwen2Config = {
  hiddenSize: 256,
  layers: 4,
  heads: 4,
  keyValueHeads: 2,
  intermediateSize: 704,
  vocabularySize: 8192,
  positions: 4096,
  normEpsilon: 1e-6,
  ropeBase: 1e6,
  tiedEmbeddings: true,
  endTokens: [],
};

/** The shape of Qwen2.5-0.5B. */
export const halfBillion: Qwen2Config = {
  ...fiveMillion,
  hiddenSize: 896,
  layers: 24,
  heads: 14,
  intermediateSize: 4864,
  vocabularySize: 151_936,
};

/** The shape of Qwen2.5-1.5B. */
export const oneAndAHalfBillion: Qwen2Config = {
  ...halfBillion,
  hiddenSize: 1536,
  layers: 28,
  heads: 12,
  intermediateSize: 8960,
  positions: 32_768,
};
