/** How a language model chooses its tokens. */
export interface Sampling {
  /** 0 takes the likeliest token always. */
  readonly temperature: number;
  /** The smallest set of the likeliest tokens whose probabilities sum to it is chosen from; 1 takes all. */
  readonly topP: number;
  /** How many of the likeliest tokens are chosen from; 0 takes all. */
  readonly topK: number;
  /** What logits of tokens that were used are divided by (multiplied where negative); 1 changes nothing. */
  readonly repetitionPenalty: number;
  /** The most tokens that are generated. */
  readonly maxTokens: number;
}

/** The sampling that the published reasoned queries were made with (TongSearch-QR, arXiv 2506.11603). */
export const publishedSampling: Sampling = {
  temperature: 0.7,
  topP: 0.8,
  topK: 20,
  repetitionPenalty: 1.05,
  maxTokens: 500,
};
