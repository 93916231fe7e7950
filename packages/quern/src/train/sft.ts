/** Supervised fine-tuning: the policy imitates reasoned queries that are given, a step at a time. */
import { noGrad, scope } from '@quern/libtorch';
import { diverged } from './diverged.ts';
import type { TrainedModel } from './policy/trained-model.ts';
import { lengthOf, microBatches, sequenceBatch, type Sequence } from './sequence-batch.ts';
import { turn } from './turn.ts';

/** What a step came to. */
export interface SftStatistics {
  /** -ln of the probability of a token, a mean. */
  readonly loss: number;
  readonly gradientNorm: number;
  readonly entropy: number;
  readonly tokens: number;
}

/**
 * One step by the cross-entropy of the completions' tokens, each of which counts alike. Throws `DIVERGED` where the loss or the
 * gradients are no finite numbers, or the loss is above `maxLoss`.
 */
export async function sftStep(
  trained: TrainedModel,
  sequences: readonly Sequence[],
  settings: {
    readonly tokensPerMicroBatch: number;
    readonly maxGradientNorm: number;
    readonly learningRate: number;
    readonly maxLoss?: number;
  },
  signal?: AbortSignal,
): Promise<SftStatistics> {
  const tokens = sequences.reduce((sum, { completion }) => sum + completion.length, 0);
  let loss = 0;
  let entropy = 0;
  try {
    for (const batch of microBatches(sequences.map(lengthOf), settings.tokensPerMicroBatch)) {
      await turn(signal);
      const found = scope(() => {
        const packed = sequenceBatch(
          batch.map((i) => sequences[i]),
          trained.device,
        );
        const { logProbabilities, entropies, backward } = trained.recorded(packed, 1);
        const mean = logProbabilities.sum().mul(-1 / tokens);
        backward(mean);
        return { loss: mean.detach().item(), entropy: entropies.sum().item() };
      });
      loss += found.loss;
      entropy += found.entropy;
      if (!Number.isFinite(loss) || loss > (settings.maxLoss ?? Infinity)) {
        throw diverged(
          `the loss of step ${trained.steps + 1} is ${loss} after a batch of ${batch.length} examples`,
        );
      }
    }
  } catch (error) {
    trained.forgetGradients();
    throw error;
  }
  const gradientNorm = trained.step(settings.learningRate, settings.maxGradientNorm);
  if (!Number.isFinite(gradientNorm)) {
    throw diverged(`the gradients of step ${trained.steps + 1} are ${gradientNorm}`);
  }
  return { loss, gradientNorm, entropy: entropy / Math.max(1, tokens), tokens };
}

/** The same loss of other examples, from which nothing is learnt. */
export async function sftLoss(
  trained: TrainedModel,
  sequences: readonly Sequence[],
  tokensPerMicroBatch: number,
  signal?: AbortSignal,
): Promise<number> {
  let sum = 0;
  let tokens = 0;
  for (const batch of microBatches(sequences.map(lengthOf), tokensPerMicroBatch)) {
    await turn(signal);
    const chosen = batch.map((i) => sequences[i]);
    sum += scope(() =>
      noGrad(() => trained.logProbabilities(sequenceBatch(chosen, trained.device), 1).sum().item()),
    );
    tokens += chosen.reduce((count, { completion }) => count + completion.length, 0);
  }
  return -sum / Math.max(1, tokens);
}
