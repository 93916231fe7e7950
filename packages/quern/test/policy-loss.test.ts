/** Losses, gradients and advantages beside those of TRL's own code; golden/trl/make_losses.py made them. */
import { isDeepStrictEqual } from 'node:util';
import { grad, memory, scope, tensor, type Tensor } from '@quern/libtorch';
import { describe, expect, it } from 'vitest';
import { advantagesOf, meanOf, type RewardScale } from '../src/train/advantages.ts';
import {
  lossStatistics,
  policyLoss,
  tokenWeight,
  type BatchTotals,
  type LossType,
} from '../src/train/policy-loss.ts';
import { goldenFile } from './golden-file.ts';
import { hasLibTorch } from './has-libtorch.ts';

interface GoldenLoss {
  readonly name: string;
  readonly loss_type: LossType;
  readonly beta: number;
  readonly epsilon: number;
  readonly epsilon_high: number;
  readonly importance_sampling_correction: boolean;
  readonly on_policy: boolean;
  readonly micro_batches: number;
  readonly mask: number[][];
  readonly advantages: number[];
  readonly num_items_in_batch: number;
  readonly loss: number;
  readonly gradient: number[][];
  readonly metrics: Record<string, number>;
}

const golden = goldenFile<{
  batch: Record<'policy' | 'old' | 'sampler' | 'reference', number[][]> & {
    max_completion_length: number;
    importance_sampling_cap: number;
  };
  losses: GoldenLoss[];
  advantages: {
    name: string;
    scale_rewards: RewardScale;
    num_generations: number;
    rewards: number[][];
    weights: number[];
    advantages: number[];
    metrics: Record<string, number>;
  }[];
}>('trl/losses.json');

const { batch, losses } = golden;

/** What is not masked, of some rows. */
function countedOf<T>(rows: readonly (readonly T[])[], mask: readonly (readonly number[])[]): T[] {
  return mask.flatMap((kept, i) => rows[i].filter((_, t) => kept[t] === 1));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** What {@link policyLoss} makes of the rows of a case from one to another, of a step of `totals`. */
function lossOf(each: GoldenLoss, { from, to }: { from: number; to: number }, totals: BatchTotals) {
  const mask = each.mask.slice(from, to);
  const given = (rows: number[][]): Tensor => tensor(countedOf(rows.slice(from, to), mask));
  const spread = (value: (row: number) => number): Tensor =>
    given(each.mask.map((row, i) => row.map(() => value(i))));
  return scope(() => {
    const logProbabilities = given(batch.policy).requiresGrad_();
    const { loss, statistics } = policyLoss(
      {
        logProbabilities,
        old: each.on_policy ? undefined : given(batch.old),
        sampler: given(batch.sampler),
        reference: each.beta === 0 ? undefined : given(batch.reference),
        advantages: spread((row) => each.advantages[row]),
        weights: spread((row) => tokenWeight(each.loss_type, sumOf(each.mask[row]), totals)),
      },
      {
        epsilon: each.epsilon,
        epsilonHigh: each.epsilon_high,
        beta: each.beta,
        samplingCap: each.importance_sampling_correction ? batch.importance_sampling_cap : undefined,
      },
    );
    const [gradient] = grad([loss], [logProbabilities]);
    return {
      ...lossStatistics(statistics),
      gradient: Array.from((gradient as Tensor).data() as Float32Array),
      tokens: logProbabilities.numel,
    };
  });
}

/** By TRL's names, of a case without correction: with no cap. */
function samplingByHand({ mask, on_policy }: GoldenLoss): Record<string, number> {
  const sampler = countedOf(batch.sampler, mask);
  const differences = countedOf(on_policy ? batch.policy : batch.old, mask).map((old, t) => old - sampler[t]);
  const ratios = differences.map(Math.exp);
  return {
    'sampling/sampling_logp_difference/mean': meanOf(differences.map(Math.abs)),
    'sampling/sampling_logp_difference/max': Math.max(...differences.map(Math.abs)),
    'sampling/importance_sampling_ratio/mean': meanOf(ratios),
    'sampling/importance_sampling_ratio/min': Math.min(...ratios),
    'sampling/importance_sampling_ratio/max': Math.max(...ratios),
  };
}

describe.skipIf(!hasLibTorch)("the policy's loss, beside TRL", () => {
  it.each(losses.filter((each) => each.micro_batches === 1 || each.loss_type !== 'bnpo'))('$name', (each) => {
    const { mask, metrics } = each;
    const lengths = mask.map((row) => row.reduce((sum, one) => sum + one, 0));
    const totals = {
      completions: mask.length,
      tokens: lengths.reduce((sum, length) => sum + length, 0),
      maxCompletionLength: batch.max_completion_length,
    };
    const rows = mask.length / each.micro_batches;
    const parts = Array.from({ length: each.micro_batches }, (_, i) =>
      lossOf(each, { from: i * rows, to: (i + 1) * rows }, totals),
    );
    // TRL divides by the tokens that are left out too.
    const share = each.loss_type === 'dapo' ? each.num_items_in_batch / totals.tokens : 1;
    expect(sumOf(parts.map(({ loss }) => loss))).toBeCloseTo(each.loss * share, 5);
    const gradient = parts.flatMap((part) => part.gradient);
    const wanted = countedOf(each.gradient, mask);
    expect(gradient).toHaveLength(wanted.length);
    for (const [i, value] of wanted.entries()) expect(gradient[i]).toBeCloseTo(value * share, 5);
    // Of several micro-batches TRL tells of the mean of their means.
    const mean = (name: 'kl' | 'clippedLow' | 'clippedHigh'): number =>
      meanOf(parts.map((part) => part[name] / part.tokens));
    expect(mean('kl')).toBeCloseTo(metrics['kl'] ?? 0, 4);
    expect(mean('clippedLow')).toBeCloseTo(metrics['clip_ratio/low_mean'], 5);
    expect(mean('clippedHigh')).toBeCloseTo(metrics['clip_ratio/high_mean'], 5);
    // Of the sampler TRL tells where it corrects for it alone.
    const told = each.importance_sampling_correction ? metrics : samplingByHand(each);
    const ofAll = (name: 'samplingDifference' | 'samplingRatio'): number =>
      sumOf(parts.map((part) => part[name])) / totals.tokens;
    const least = Math.min(...parts.map((part) => part.leastSamplingRatio));
    const largest = Math.max(...parts.map((part) => part.largestSamplingRatio));
    const away = Math.max(...parts.map((part) => part.largestSamplingDifference));
    expect(ofAll('samplingDifference')).toBeCloseTo(told['sampling/sampling_logp_difference/mean'], 5);
    expect(away).toBeCloseTo(told['sampling/sampling_logp_difference/max'], 5);
    expect(ofAll('samplingRatio')).toBeCloseTo(told['sampling/importance_sampling_ratio/mean'], 5);
    expect(least).toBeCloseTo(told['sampling/importance_sampling_ratio/min'], 5);
    expect(largest).toBeCloseTo(told['sampling/importance_sampling_ratio/max'], 5);
  });

  it('frees what it makes', () => expect(memory().tensors).toBe(0));
});

describe('advantages, beside TRL', () => {
  it.each(golden.advantages.filter(({ weights }) => weights.length === 1))('$name', (each) => {
    const [rewards] = each.rewards;
    const groups: number[][] = [];
    for (let i = 0; i < rewards.length; i += each.num_generations)
      groups.push(rewards.slice(i, i + each.num_generations));
    const found = advantagesOf(groups, each.scale_rewards);
    for (const [i, value] of found.advantages.flat().entries())
      expect(value).toBeCloseTo(each.advantages[i], 4);
    // Of the whole batch TRL has one deviation; whether a group teaches nothing is a matter of the group, as in the other case.
    const told = golden.advantages.find(
      (one) => one.scale_rewards === 'group' && isDeepStrictEqual(one.rewards, each.rewards),
    );
    const flat = found.isFlat.filter(Boolean).length / groups.length;
    expect(flat).toBeCloseTo(told?.metrics['frac_reward_zero_std'] ?? NaN, 6);
    expect(meanOf(rewards)).toBeCloseTo(each.metrics['reward'], 5);
  });
});
