/** Losses, gradients and advantages beside those of TRL's own code; golden/trl/make_losses.py made them. */
import { grad, memory, scope, tensor } from '@quern/libtorch';
import { describe, expect, it } from 'vitest';
import { advantagesOf, meanOf, type RewardScale } from '../src/train/advantages.ts';
import { lossStatistics, policyLoss, tokenWeight, type LossType } from '../src/train/policy-loss.ts';
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

describe.skipIf(!hasLibTorch)("the policy's loss, beside TRL", () => {
  const { batch, losses } = golden;

  it.each(losses.filter((each) => each.micro_batches === 1 || each.loss_type !== 'bnpo'))('$name', (each) => {
    const { mask, advantages, metrics } = each;
    const counted = <T>(rows: readonly (readonly T[])[]): T[] =>
      rows.flatMap((row, i) => row.filter((_, t) => mask[i][t] === 1));
    const lengths = mask.map((row) => row.reduce((sum, one) => sum + one, 0));
    const tokens = lengths.reduce((sum, length) => sum + length, 0);
    const totals = { completions: mask.length, tokens, maxCompletionLength: batch.max_completion_length };
    const spread = (values: readonly number[]): number[] =>
      counted(mask.map((row, i) => row.map(() => values[i])));
    const found = scope(() => {
      const logProbabilities = tensor(counted(batch.policy)).requiresGrad_();
      const { loss, statistics } = policyLoss(
        {
          logProbabilities,
          old: each.on_policy ? undefined : tensor(counted(batch.old)),
          sampler: tensor(counted(batch.sampler)),
          reference: each.beta === 0 ? undefined : tensor(counted(batch.reference)),
          advantages: tensor(spread(advantages)),
          weights: tensor(spread(lengths.map((length) => tokenWeight(each.loss_type, length, totals)))),
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
        gradient: Array.from((gradient as NonNullable<typeof gradient>).data() as Float32Array),
      };
    });
    // TRL divides by the tokens that are left out too.
    const share = each.loss_type === 'dapo' ? each.num_items_in_batch / tokens : 1;
    expect(found.loss).toBeCloseTo(each.loss * share, 5);
    for (const [i, value] of counted(each.gradient).entries())
      expect(found.gradient[i]).toBeCloseTo(value * share, 5);
    // Of several micro-batches TRL tells of the mean of their means.
    const told = (name: string, own: number): number =>
      each.micro_batches === 1 ? (metrics[name] ?? 0) : own;
    const own = { kl: found.kl / tokens, low: found.clippedLow / tokens, high: found.clippedHigh / tokens };
    expect(own.kl).toBeCloseTo(told('kl', own.kl), 4);
    expect(own.low).toBeCloseTo(told('clip_ratio/low_mean', own.low), 5);
    expect(own.high).toBeCloseTo(told('clip_ratio/high_mean', own.high), 5);
    expect(found.samplingRatio / tokens).toBeCloseTo(
      metrics['sampling/importance_sampling_ratio/mean'] ?? found.samplingRatio / tokens,
      4,
    );
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
    const flat = found.isFlat.filter(Boolean).length / groups.length;
    // Of the whole batch TRL has one deviation; whether a group teaches nothing is a matter of the group.
    const told = each.scale_rewards === 'batch' ? flat : each.metrics['frac_reward_zero_std'];
    expect(flat).toBeCloseTo(told, 6);
    expect(meanOf(rewards)).toBeCloseTo(each.metrics['reward'], 5);
  });
});
