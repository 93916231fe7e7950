/** One step of the paper's size on a GPU; see bench/train.ts. */
import { ownSteps } from './own-step.ts';

const setting = (name: string, other: number): number => Number(process.env[name] ?? other);
const random = (seed: number): number[] =>
  Array.from(
    { length: setting('PROMPT', 300) },
    (_, i) => (seed * 7919 + i * 104_729) % setting('VOCABULARY', 151_936),
  );

const result = await ownSteps({
  config: {
    hiddenSize: setting('HIDDEN', 1536),
    layers: setting('LAYERS', 28),
    heads: 12,
    keyValueHeads: 2,
    intermediateSize: setting('INTERMEDIATE', 8960),
    vocabularySize: setting('VOCABULARY', 151_936),
    positions: 32_768,
    normEpsilon: 1e-6,
    ropeBase: 1e6,
    tiedEmbeddings: true,
    endTokens: [],
  },
  device: process.env['DEVICE'] ?? 'cuda:0',
  bf16: process.env['BF16'] !== '0',
  prompts: Array.from({ length: setting('PROMPTS', 12) }, (_, i) => random(i)),
  completions: setting('COMPLETIONS', 16),
  newTokens: setting('TOKENS', 500),
  rows: setting('ROWS', 192),
  beta: setting('BETA', 0.008),
  gradientCheckpointing: process.env['CHECKPOINTING'] !== '0',
  tokensPerMicroBatch: setting('BUDGET', 16_384),
  steps: setting('STEPS', 2),
});
console.log(JSON.stringify(result));
