/**
 * One update of GRPO (Group Relative Policy Optimization, arXiv 2402.03300) from a rollout: for each prompt a group of completions
 * with their rewards.
 *
 *   1. advantages: how much better each completion is than its group            advantages.ts
 *   2. what the policy was, and what the reference policy says of the tokens    only where it is needed
 *   3. for each pass over the rollout, and each part of it:                     one step of the optimiser each
 *        for as many completions as memory has room for:
 *          log-probabilities → loss → gradients, which add up                   policy-loss.ts
 *        clip the gradients, step
 *
 * Groups whose rewards are all the same teach nothing: they go through no model, but their completions count in what the losses
 * are divided by, as if they had. Beside groups that do teach, and without a KL term, the step is that of computing them too. A
 * step with nothing else has no gradients at all, and then nothing moves: AdamW passes over weights without gradients, moments and
 * its count of steps included. Gradients of 0 would have it go on by its momentum and let weights decay, away from a policy that
 * nothing was found against. The step counts all the same in the training and its learning rate.
 */
import { scope, tensor, type Tensor } from '@quern/libtorch';
import type { QuernError } from '../errors.ts';
import { advantagesOf, meanOf, type Advantages, type RewardScale } from './advantages.ts';
import {
  lossStatistics,
  policyLoss,
  tokenWeight,
  type LossStatistics,
  type LossType,
} from './policy-loss.ts';
import { diverged } from './diverged.ts';
import type { TrainedModel } from './policy/trained-model.ts';
import { shuffled } from './seeds.ts';
import { lengthOf, microBatches, sequenceBatch, type Sequence } from './sequence-batch.ts';
import { turn } from './turn.ts';

/** A completion of a prompt, as it was drawn and rewarded. */
export interface RewardedCompletion {
  readonly tokens: readonly number[];
  /** Of each token under what it was drawn from. */
  readonly drawnLogProbabilities: readonly number[];
  readonly isTruncated: boolean;
  readonly reward: number;
}

/** A prompt and its completions. */
export interface Group {
  readonly prompt: readonly number[];
  readonly completions: readonly RewardedCompletion[];
}

/** What an update depends on, beside the rollout; of the symbols policy-loss.ts has the formula. */
export interface GrpoSettings {
  /** What rewards are divided by, less the mean of their group. */
  readonly scaleRewards: RewardScale;
  /** How the losses of tokens are summed up. */
  readonly lossType: LossType;
  /** Ratios π / π_old are clipped to 1 - `epsilon` and 1 + `epsilonHigh`. */
  readonly epsilon: number;
  readonly epsilonHigh: number;
  /** The weight of the KL term; 0: none, and no reference is asked. */
  readonly beta: number;
  /** The most that a token counts more for having been sampled too seldom; undefined: no correction for the sampler. */
  readonly samplingCap?: number;
  /** The one that completions were drawn with, above 0: policies are what they are at it. */
  readonly temperature: number;
  /** The most tokens that a completion could have had; `dr_grpo` divides by it. */
  readonly maxCompletionLength: number;
  /** Whether the tokens of completions that were cut at the most tokens are left out. */
  readonly masksTruncated: boolean;
  /** Passes over a rollout, and optimiser steps a pass, each by a part of the completions; whole numbers from 1. */
  readonly iterations: number;
  readonly stepsPerIteration: number;
  /** The most tokens that go through the model together, padding counted. */
  readonly tokensPerMicroBatch: number;
  /** Gradients of a step are scaled to a norm of at most this, all weights taken together. */
  readonly maxGradientNorm: number;
  /** A step whose loss is beyond it, either way, ends the training. */
  readonly maxLoss?: number;
  /** Of which completions make a step together, where there are several a pass: a whole number from 0. */
  readonly seed: number;
}

/** What an update came to; means over its steps. */
export interface UpdateStatistics {
  readonly steps: number;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Means over tokens. */
  readonly kl?: number;
  readonly entropy: number;
  /** Shares of tokens: means over the steps, the least or largest of a micro-batch. */
  readonly clipping: Readonly<Record<'lowMean' | 'lowMin' | 'highMean' | 'highMax' | 'regionMean', number>>;
  readonly samplingDifference: { readonly mean: number; readonly max: number };
  readonly samplingRatio: { readonly min: number; readonly mean: number; readonly max: number };
  readonly skippedGroups: number;
  /** Tokens that went through the model forwards and backwards, padding left out. */
  readonly trainedTokens: number;
}

/** A completion that is learnt from. */
interface Lesson extends Sequence {
  readonly advantage: number;
  readonly sampler: readonly number[];
  /** Whether its tokens count. */
  readonly counts: boolean;
  /** Whether its group's rewards are all the same. */
  readonly isFlat: boolean;
  old?: Float32Array;
  reference?: Float32Array;
}

/**
 * Changes the policy by a rollout. `learningRateOf` is asked for each step, counted from 0 in the whole training. Throws
 * `DIVERGED` where a loss or a gradient is no finite number or a loss exceeds `maxLoss`: weights are then those of the step
 * before; `USAGE` where `beta` is not 0 and the model has no reference policy (neither an adapter nor `keepsReference`);
 * `OUT_OF_MEMORY`; and `ABORTED` between two micro-batches.
 */
export async function grpoUpdate(
  trained: TrainedModel,
  groups: readonly Group[],
  settings: GrpoSettings,
  learningRateOf: (step: number) => number,
  signal?: AbortSignal,
): Promise<UpdateStatistics> {
  const { iterations, stepsPerIteration, beta } = settings;
  const rewards = groups.map(({ completions }) => completions.map(({ reward }) => reward));
  const found = advantagesOf(rewards, settings.scaleRewards);
  const lessons = lessonsOf(groups, found, settings);
  const totals = new Totals();
  try {
    // With one step a rollout the policy is, when it is differentiated, what it was when the rollout was made.
    if (iterations * stepsPerIteration > 1) {
      await score(trained, lessons, settings, 'old', signal);
    }
    if (beta !== 0) await score(trained, lessons, settings, 'reference', signal);
    for (let iteration = 0; iteration < iterations; iteration++) {
      for (const part of partsOf(lessons, stepsPerIteration, settings.seed + iteration)) {
        const learningRate = learningRateOf(trained.steps);
        await addGradients(trained, part, settings, totals, signal);
        const norm = trained.step(learningRate, settings.maxGradientNorm);
        if (!Number.isFinite(norm)) throw diverged(`the gradients of step ${trained.steps + 1} are ${norm}`);
        totals.addStep(norm, learningRate);
      }
    }
  } catch (error) {
    trained.forgetGradients();
    throw error;
  }
  return { ...totals.statistics(beta !== 0), skippedGroups: found.isFlat.filter(Boolean).length };
}

/** The gradients of one step's loss. */
async function addGradients(
  trained: TrainedModel,
  part: readonly Lesson[],
  settings: GrpoSettings,
  totals: Totals,
  signal?: AbortSignal,
): Promise<void> {
  const { lossType, maxCompletionLength, temperature, maxLoss } = settings;
  const counted = part.filter(({ counts }) => counts);
  const sizes = {
    completions: part.length,
    tokens: tokensOf(counted),
    maxCompletionLength,
  };
  const learnt = counted.filter((lesson) => !lesson.isFlat);
  const divergedAt = (loss: number, lessons: readonly Lesson[]): QuernError =>
    diverged(
      `the loss of step ${trained.steps + 1} is ${loss} after a batch of ${lessons.length} completions with ${tokensOf(lessons)} tokens`,
    );
  let loss = 0;
  for (const batch of batchesOf(learnt, settings)) {
    await turn(signal);
    const found = scope(() => {
      const { device } = trained;
      const { logProbabilities, entropies, backward } = trained.recorded(
        sequenceBatch(batch, device),
        temperature,
      );
      const each = (value: (lesson: Lesson) => number): Tensor =>
        tensor(Float32Array.from(batch.flatMap((lesson) => lesson.completion.map(() => value(lesson)))), {
          device,
        });
      const all = (values: (lesson: Lesson) => ArrayLike<number>): Tensor =>
        tensor(Float32Array.from(batch.flatMap((lesson) => Array.from(values(lesson)))), { device });
      const { loss: differentiated, statistics } = policyLoss(
        {
          logProbabilities,
          old: batch[0].old && all(({ old }) => old as Float32Array),
          reference: batch[0].reference && all(({ reference }) => reference as Float32Array),
          sampler: all(({ sampler }) => sampler),
          advantages: each(({ advantage }) => advantage),
          weights: each(({ completion }) => tokenWeight(lossType, completion.length, sizes)),
        },
        settings,
      );
      backward(differentiated);
      return { ...lossStatistics(statistics), entropy: entropies.sum().item() };
    });
    if (!Number.isFinite(found.loss)) throw divergedAt(found.loss, batch);
    loss += found.loss;
    totals.addBatch(found, batch);
  }
  // Sums of some batches depend on how the step is cut into them.
  if (Math.abs(loss) > (maxLoss ?? Infinity)) throw divergedAt(loss, learnt);
}

function tokensOf(lessons: readonly Lesson[]): number {
  return lessons.reduce((sum, { completion }) => sum + completion.length, 0);
}

/** Fills in what is known of the tokens before the policy is changed. */
async function score(
  trained: TrainedModel,
  lessons: readonly Lesson[],
  settings: GrpoSettings,
  which: 'old' | 'reference',
  signal?: AbortSignal,
): Promise<void> {
  const scored = lessons.filter((lesson) => lesson.counts && !lesson.isFlat);
  for (const batch of batchesOf(scored, settings)) {
    await turn(signal);
    const values = scope(() => {
      const sequences = sequenceBatch(batch, trained.device);
      const { temperature } = settings;
      return which === 'old'
        ? trained.logProbabilities(sequences, temperature).data()
        : trained.referenceLogProbabilities(sequences, temperature).data();
    }) as Float32Array;
    let at = 0;
    for (const lesson of batch) {
      lesson[which] = values.subarray(at, (at += lesson.completion.length));
    }
  }
}

function lessonsOf(
  groups: readonly Group[],
  { advantages, isFlat }: Advantages,
  { masksTruncated }: GrpoSettings,
): Lesson[] {
  return groups.flatMap(({ prompt, completions }, i) =>
    completions.map(({ tokens, drawnLogProbabilities, isTruncated }, j) => ({
      prompt,
      completion: tokens,
      sampler: drawnLogProbabilities,
      advantage: advantages[i][j],
      counts: tokens.length > 0 && !(masksTruncated && isTruncated),
      isFlat: isFlat[i],
    })),
  );
}

/** As many parts of one size, of completions in a random order; all of them as they are where there is one. */
function partsOf(lessons: readonly Lesson[], count: number, seed: number): Lesson[][] {
  if (count === 1) return [[...lessons]];
  const order = shuffled(lessons.length, seed).map((i) => lessons[i]);
  const size = Math.ceil(order.length / count);
  return Array.from({ length: count }, (_, i) => order.slice(i * size, (i + 1) * size));
}

function batchesOf(lessons: readonly Lesson[], { tokensPerMicroBatch }: GrpoSettings): Lesson[][] {
  return microBatches(lessons.map(lengthOf), tokensPerMicroBatch).map((batch) =>
    batch.map((i) => lessons[i]),
  );
}

/** Sums up what batches and steps came to. */
class Totals {
  #tokens = 0;
  #trainedTokens = 0;
  #loss = 0;
  #kl = 0;
  #entropy = 0;
  #low = 0;
  #high = 0;
  #lowMin = Infinity;
  #highMax = 0;
  #difference = 0;
  #differenceMax = 0;
  #ratio = 0;
  #ratioMin = Infinity;
  #ratioMax = 0;
  readonly #norms: number[] = [];
  #learningRate = 0;

  addBatch(found: LossStatistics & { readonly entropy: number }, batch: readonly Lesson[]): void {
    const tokens = tokensOf(batch);
    this.#tokens += tokens;
    this.#trainedTokens += batch.reduce((sum, lesson) => sum + lengthOf(lesson), 0);
    this.#loss += found.loss;
    this.#kl += found.kl;
    this.#entropy += found.entropy;
    this.#low += found.clippedLow;
    this.#high += found.clippedHigh;
    this.#lowMin = Math.min(this.#lowMin, found.clippedLow / tokens);
    this.#highMax = Math.max(this.#highMax, found.clippedHigh / tokens);
    this.#difference += found.samplingDifference;
    this.#differenceMax = Math.max(this.#differenceMax, found.largestSamplingDifference);
    this.#ratio += found.samplingRatio;
    this.#ratioMin = Math.min(this.#ratioMin, found.leastSamplingRatio);
    this.#ratioMax = Math.max(this.#ratioMax, found.largestSamplingRatio);
  }

  addStep(norm: number, learningRate: number): void {
    this.#norms.push(norm);
    this.#learningRate = learningRate;
  }

  statistics(hasKl: boolean): Omit<UpdateStatistics, 'skippedGroups'> {
    const tokens = Math.max(this.#tokens, 1);
    const any = this.#tokens > 0;
    return {
      steps: this.#norms.length,
      loss: this.#loss / Math.max(this.#norms.length, 1),
      gradientNorm: meanOf(this.#norms),
      learningRate: this.#learningRate,
      ...(hasKl && { kl: this.#kl / tokens }),
      entropy: this.#entropy / tokens,
      clipping: {
        lowMean: this.#low / tokens,
        lowMin: any ? this.#lowMin : 0,
        highMean: this.#high / tokens,
        highMax: this.#highMax,
        regionMean: (this.#low + this.#high) / tokens,
      },
      samplingDifference: { mean: this.#difference / tokens, max: this.#differenceMax },
      samplingRatio: {
        min: any ? this.#ratioMin : 1,
        mean: any ? this.#ratio / tokens : 1,
        max: any ? this.#ratioMax : 1,
      },
      trainedTokens: this.#trainedTokens,
    };
  }
}
