/** What is told of a step of training, by TRL's names where TRL has one. */
import { memory, type Device } from '@quern/libtorch';
import { advantagesOf, deviationOf, meanOf, type RewardScale } from './advantages.ts';
import type { UpdateStatistics } from './grpo.ts';
import type { RewardedGroup, RewardedText } from './rollout.ts';

/** A line of `metrics.jsonl`. */
export type MetricsLine = { readonly kind: 'train' | 'eval'; readonly step: number } & Readonly<
  Record<string, number | string | boolean>
>;

/** How long the parts of a step took, in seconds. */
export interface StepSeconds {
  readonly rollout: number;
  readonly reward: number;
  readonly update: number;
  readonly whole: number;
}

/** Of rewards: their mean, deviation and parts. */
export function rewardMetrics(groups: readonly RewardedGroup[], scale: RewardScale): Record<string, number> {
  const all = groups.flatMap(({ completions }) => completions);
  const rewards = groups.map(({ completions }) => completions.map(({ reward }) => reward));
  const { isFlat, deviations } = advantagesOf(rewards, scale);
  const metrics: Record<string, number> = {
    reward: meanOf(rewards.flat()),
    reward_std: scale === 'batch' ? deviationOf(rewards.flat()) : meanOf(deviations),
    frac_reward_zero_std: meanOf(isFlat.map(Number)),
  };
  for (const name of new Set(all.flatMap(({ parts }) => Object.keys(parts)))) {
    const values = all.flatMap(({ parts }) => parts[name] ?? []);
    metrics[`rewards/${name}/mean`] = meanOf(values);
    metrics[`rewards/${name}/std`] = deviationOf(values);
  }
  metrics['rewards/failed'] = meanOf(all.map(({ failure }) => Number(failure !== undefined)));
  return metrics;
}

/** Of the completions' lengths, in tokens. */
export function lengthMetrics(completions: readonly RewardedText[], prefix = ''): Record<string, number> {
  const lengths = completions.map(({ tokens }) => tokens.length);
  const ended = completions.filter(({ finish }) => finish !== 'length').map(({ tokens }) => tokens.length);
  const at = `${prefix}completions/`;
  return {
    [`${at}mean_length`]: meanOf(lengths),
    [`${at}min_length`]: extreme(lengths, 'min'),
    [`${at}max_length`]: extreme(lengths, 'max'),
    [`${at}clipped_ratio`]: 1 - ended.length / Math.max(1, completions.length),
    [`${at}mean_terminated_length`]: meanOf(ended),
    [`${at}min_terminated_length`]: extreme(ended, 'min'),
    [`${at}max_terminated_length`]: extreme(ended, 'max'),
  };
}

function extreme(values: readonly number[], which: 'min' | 'max'): number {
  return values.length === 0 ? 0 : Math[which](...values);
}

/** Of an update; where no group had anything to teach there was none, and it has no figures. */
export function updateMetrics(found: UpdateStatistics): Record<string, number> {
  const always = { learning_rate: found.learningRate, skipped_groups: found.skippedGroups };
  if (found.trainedTokens === 0) return always;
  return {
    ...always,
    loss: found.loss,
    grad_norm: found.gradientNorm,
    ...(found.kl !== undefined && { kl: found.kl }),
    entropy: found.entropy,
    'clip_ratio/low_mean': found.clipping.lowMean,
    'clip_ratio/low_min': found.clipping.lowMin,
    'clip_ratio/high_mean': found.clipping.highMean,
    'clip_ratio/high_max': found.clipping.highMax,
    'clip_ratio/region_mean': found.clipping.regionMean,
    'sampling/sampling_logp_difference/mean': found.samplingDifference.mean,
    'sampling/sampling_logp_difference/max': found.samplingDifference.max,
    'sampling/importance_sampling_ratio/min': found.samplingRatio.min,
    'sampling/importance_sampling_ratio/mean': found.samplingRatio.mean,
    'sampling/importance_sampling_ratio/max': found.samplingRatio.max,
  };
}

/** Of time and memory. */
export function costMetrics(
  seconds: StepSeconds,
  tokens: { readonly drawn: number; readonly trained: number },
  device: Device,
): Record<string, number> {
  const held = memory();
  return {
    step_time: seconds.whole,
    'seconds/rollout': seconds.rollout,
    'seconds/reward': seconds.reward,
    'seconds/update': seconds.update,
    'tokens_per_second/rollout': tokens.drawn / Math.max(seconds.rollout, 1e-9),
    ...(tokens.trained > 0 && {
      'tokens_per_second/update': tokens.trained / Math.max(seconds.update, 1e-9),
    }),
    'memory/process': process.memoryUsage.rss(),
    'memory/device': device === 'cpu' ? held.peakBytes : held.devicePeakBytes,
  };
}
