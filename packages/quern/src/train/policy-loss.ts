/**
 * The loss of GRPO and its kin for the tokens of completions:
 *
 *   ratio_t = π(t) / π_old(t)
 *   loss_t  = - min(ratio_t A, clip(ratio_t, 1 - ε, 1 + ε_high) A) · min(π_old(t) / π_sampler(t), cap) + β kl_t
 *   kl_t    = π_ref(t) / π(t) - ln(π_ref(t) / π(t)) - 1     (k3, Schulman 2020)
 *   loss    = Σ_t weight_t loss_t
 *
 * The clipped objective: PPO (arXiv 1707.06347); group advantages and KL: GRPO (arXiv 2402.03300, eq. 3 and 4); ε_high and the
 * weights of `dapo`: DAPO (arXiv 2503.14476, eq. 8); those of `dr_grpo`: arXiv 2503.20783; the correction for the sampler:
 * truncated importance sampling (Yao et al. 2025). Left out: the two-sided clip (`delta`) and sequence-level ratios (GSPO).
 */
import { noGrad, stack, type Tensor } from '@quern/libtorch';

/** The ways in which the losses of tokens are summed up. */
export const lossTypes = ['grpo', 'bnpo', 'dr_grpo', 'dapo'] as const;

/** How the losses of tokens are summed up. */
export type LossType = (typeof lossTypes)[number];

/** What the loss is made of, beside the tokens. */
export interface LossSettings {
  readonly epsilon: number;
  readonly epsilonHigh: number;
  /** The weight of the KL term; 0: none. */
  readonly beta: number;
  /** The most that a token counts more for having been sampled too seldom; undefined: no correction. */
  readonly samplingCap?: number;
}

/** The tokens of completions, one after the other. Shapes: (N) of float32. */
export interface TokenLosses {
  /** Under the policy, recorded. */
  readonly logProbabilities: Tensor;
  /** Under the policy when the completions were made; undefined: as it is now. */
  readonly old?: Tensor;
  /** Under what they were drawn from. */
  readonly sampler: Tensor;
  /** Under the reference policy, where β is not 0. */
  readonly reference?: Tensor;
  readonly advantages: Tensor;
  /** How much each token's loss counts. */
  readonly weights: Tensor;
}

/** Sums over tokens, and extremes; of nothing that is recorded. */
export interface LossStatistics {
  /** By the tokens' weights. */
  readonly loss: number;
  /** In nats, without weights or β; 0 without a reference. */
  readonly kl: number;
  /** Tokens whose ratio was clipped from below, with a negative advantage, and from above, with a positive one. */
  readonly clippedLow: number;
  readonly clippedHigh: number;
  /** |ln π_old - ln π_sampler|, in nats. */
  readonly samplingDifference: number;
  readonly largestSamplingDifference: number;
  /** π_old / π_sampler, at most the cap; without correction as it is. */
  readonly samplingRatio: number;
  readonly leastSamplingRatio: number;
  readonly largestSamplingRatio: number;
}

/**
 * The loss of at least one token, recorded: a tensor of shape () to be differentiated. With it its statistics as one tensor on the
 * same device, from which {@link lossStatistics} reads them. Weights are {@link tokenWeight}'s. Throws LibTorch's errors where
 * shapes differ or memory runs out.
 */
export function policyLoss(
  { logProbabilities, old, sampler, reference, advantages, weights }: TokenLosses,
  { epsilon, epsilonHigh, beta, samplingCap }: LossSettings,
): { readonly loss: Tensor; readonly statistics: Tensor } {
  const now = logProbabilities.detach();
  const before = old ?? now;
  const ratio = logProbabilities.sub(before).exp();
  const clipped = ratio.clamp(1 - epsilon, 1 + epsilonHigh);
  let losses = ratio.mul(advantages).minimum(clipped.mul(advantages)).neg();
  const { samplingRatio, samplingDifference } = noGrad(() => {
    const difference = before.sub(sampler);
    const most = samplingCap ?? Infinity;
    return { samplingRatio: difference.exp().clamp(0, most), samplingDifference: difference.abs() };
  });
  if (samplingCap !== undefined) losses = losses.mul(samplingRatio);
  const kl = reference && klOf(reference, logProbabilities);
  if (kl && beta !== 0) losses = losses.add(kl.mul(beta));
  const loss = losses.mul(weights).sum();
  const statistics = noGrad(() => {
    const isLow = ratio.lt(1 - epsilon).logicalAnd(advantages.lt(0));
    const isHigh = ratio.gt(1 + epsilonHigh).logicalAnd(advantages.gt(0));
    return stack([
      loss.detach(),
      kl ? kl.detach().sum() : loss.detach().mul(0),
      isLow.to('float32').sum(),
      isHigh.to('float32').sum(),
      samplingDifference.sum(),
      samplingDifference.max(),
      samplingRatio.sum(),
      samplingRatio.min(),
      samplingRatio.max(),
    ]);
  });
  return { loss, statistics };
}

function klOf(reference: Tensor, logProbabilities: Tensor): Tensor {
  const difference = reference.sub(logProbabilities);
  return difference.exp().sub(difference).sub(1);
}

/** What {@link policyLoss} found, of its `statistics`, as numbers; waits for the device. */
export function lossStatistics(statistics: Tensor): LossStatistics {
  const [
    loss,
    kl,
    clippedLow,
    clippedHigh,
    samplingDifference,
    largestSamplingDifference,
    samplingRatio,
    leastSamplingRatio,
    largestSamplingRatio,
  ] = statistics.data() as Float32Array;
  return {
    loss,
    kl,
    clippedLow,
    clippedHigh,
    samplingDifference,
    largestSamplingDifference,
    samplingRatio,
    leastSamplingRatio,
    largestSamplingRatio,
  };
}

/** What the weights of the tokens of a step depend on, all of its micro-batches together. */
export interface BatchTotals {
  /** Completions, also those whose tokens are left out. */
  readonly completions: number;
  /** Tokens that count. */
  readonly tokens: number;
  /** The most tokens that a completion could have had. */
  readonly maxCompletionLength: number;
}

/**
 * How much the loss of each token of a completion of `length` tokens counts. `grpo`: completions count alike; `dapo`: tokens do;
 * `dr_grpo`: tokens do, whatever the lengths are. `bnpo` is `dapo` here, as what TRL calls its local batch is all that one
 * optimiser step takes: what is learnt must not depend on how much memory there is.
 */
export function tokenWeight(type: LossType, length: number, totals: BatchTotals): number {
  const { completions, tokens, maxCompletionLength } = totals;
  switch (type) {
    case 'grpo':
      return 1 / (completions * Math.max(length, 1));
    case 'dr_grpo':
      return 1 / (completions * maxCompletionLength);
    case 'bnpo':
    case 'dapo':
      return 1 / Math.max(tokens, 1);
  }
}
