/** GRPO's update of a tiny policy beside the same by hand: sequence by sequence, with derivatives and AdamW in numbers. */
import { noGrad, scope, tensor, type Tensor } from '@quern/libtorch';
import { describe, expect, it } from 'vitest';
import { hasLibTorch } from '../../libtorch/test/has-libtorch.ts';
import type { Qwen2Config } from '../src/models/checkpoint/qwen2-config.ts';
import { LoraWeights } from '../src/models/torch/lora.ts';
import type { Qwen2Model } from '../src/models/torch/qwen2-model.ts';
import { randomQwen2 } from '../src/models/torch/random-qwen2.ts';
import { grpoUpdate, type Group, type GrpoSettings, type RewardedCompletion } from '../src/train/grpo.ts';
import { lossTypes } from '../src/train/policy-loss.ts';
import { TrainedModel, type TrainedModelOptions } from '../src/train/policy/trained-model.ts';
import { shuffled } from '../src/train/seeds.ts';
import { sequenceBatch } from '../src/train/sequence-batch.ts';

const config: Qwen2Config = {
  hiddenSize: 16,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  intermediateSize: 24,
  vocabularySize: 30,
  positions: 64,
  normEpsilon: 1e-6,
  ropeBase: 10_000,
  tiedEmbeddings: true,
  endTokens: [1],
} as Qwen2Config;

// With an epsilon of the gradients' size AdamW does not make steps of what is but noise of float32.
const optimizer = { beta1: 0.9, beta2: 0.99, epsilon: 1e-2, weightDecay: 0.1 };

const options: TrainedModelOptions = {
  folder: '',
  device: 'cpu',
  bf16: false,
  seed: 1,
  optimizer,
  keepsReference: false,
  samples: false,
  gradientCheckpointing: false,
};

const settings: GrpoSettings = {
  scaleRewards: 'group',
  lossType: 'dapo',
  epsilon: 0.05,
  epsilonHigh: 0.1,
  beta: 0,
  samplingCap: 1.5,
  temperature: 0.7,
  maxCompletionLength: 9,
  masksTruncated: false,
  iterations: 1,
  stepsPerIteration: 1,
  tokensPerMicroBatch: 20,
  maxGradientNorm: 0.5,
  seed: 7,
};
const learningRate = 0.03;

/** Distributions of random weights are all but even unless they are large, and biases of 0 would show no decay. */
function largeRandom(seed: number, isTrained = true): Qwen2Model {
  const model = randomQwen2(config, { seed, isTrained });
  noGrad(() => {
    for (const weight of model.weights.values()) if (weight.dim > 1) weight.mul_(8);
    for (const [name, weight] of model.weights) if (name.endsWith('.bias')) weight.add_(0.1);
  });
  return model;
}

function completion(tokens: readonly number[], reward: number, isTruncated = false): RewardedCompletion {
  const drawnLogProbabilities = tokens.map((token, i) => -2.6 - ((token * 7 + i) % 5) / 4);
  return { tokens, reward, isTruncated, drawnLogProbabilities };
}

const mixed: Group = {
  prompt: [3, 4, 5],
  completions: [
    completion([6, 7, 8, 9, 1], 1),
    completion([10, 1], 0.25),
    completion([11, 12, 13, 14, 15, 16, 17, 18], -0.5, true),
  ],
};
const other: Group = {
  prompt: [19, 20],
  completions: [
    completion([21, 22, 1], 0),
    completion([6, 1], 2),
    completion([23, 24, 25, 26, 27, 28], 0.5, true),
  ],
};
const flat: Group = {
  prompt: [5, 4, 3, 2],
  completions: [completion([7, 7, 1], 0.3), completion([8, 9, 10, 11, 1], 0.3), completion([12], 0.3)],
};

/** A completion with what the formula has of it. */
interface Lesson {
  readonly prompt: readonly number[];
  readonly completion: RewardedCompletion;
  readonly advantage: number;
}

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
const deviation = (values: readonly number[]): number =>
  Math.sqrt(values.reduce((sum, x) => sum + (x - mean(values)) ** 2, 0) / (values.length - 1));

/** With the rewards scaled by the deviation of their group, or of all. */
function lessonsOf(groups: readonly Group[], scale: 'group' | 'batch' = 'group'): Lesson[] {
  const all = groups.flatMap(({ completions }) => completions.map(({ reward }) => reward));
  return groups.flatMap(({ prompt, completions }) => {
    const rewards = completions.map(({ reward }) => reward);
    const by = deviation(scale === 'group' ? rewards : all) + 1e-4;
    return completions.map((each) => ({
      prompt,
      completion: each,
      advantage: (each.reward - mean(rewards)) / by,
    }));
  });
}

/** How much each token of a completion counts, of a step that takes all of `lessons`. */
function tokenShare(
  { lossType, maxCompletionLength }: GrpoSettings,
  length: number,
  lessons: readonly Lesson[],
  counted: readonly Lesson[],
): number {
  if (lossType === 'grpo') return 1 / lessons.length / length;
  if (lossType === 'dr_grpo') return 1 / lessons.length / maxCompletionLength;
  return 1 / counted.reduce((sum, each) => sum + each.completion.tokens.length, 0);
}

class PolicyByHand {
  readonly model: Qwen2Model;
  readonly #moments: { mean: Float64Array; square: Float64Array }[];
  #steps = 0;

  constructor(model: Qwen2Model) {
    this.model = model;
    this.#moments = model.parameters.map(({ numel }) => ({
      mean: new Float64Array(numel),
      square: new Float64Array(numel),
    }));
  }

  /** Recorded. */
  tokensOf({ prompt, completion: { tokens } }: Lesson): Tensor {
    const all = [...prompt, ...tokens];
    const input = tensor(BigInt64Array.from(all.slice(0, -1), BigInt), { shape: [1, all.length - 1] });
    const hidden = this.model
      .hidden(input)
      .select(0, 0)
      .slice(0, prompt.length - 1);
    const targets = tensor(BigInt64Array.from(tokens, BigInt), { shape: [tokens.length, 1] });
    const logits = hidden.matmul(this.model.head.t()).div(settings.temperature);
    return logits.logSoftmax(-1).gather(1, targets).squeeze(1);
  }

  logProbabilities(lesson: Lesson): number[] {
    return scope(() => noGrad(() => this.tokensOf(lesson).toArray()));
  }

  /** One step of the formula at the head of policy-loss.ts; `old` and `reference` tell log-probabilities. Returns the loss. */
  step(
    lessons: readonly Lesson[],
    given: GrpoSettings,
    old: (lesson: Lesson) => readonly number[],
    reference?: (lesson: Lesson) => readonly number[],
  ): number {
    const { epsilon, epsilonHigh, beta, samplingCap = Infinity } = given;
    const counted = lessons.filter((each) => !(given.masksTruncated && each.completion.isTruncated));
    let loss = 0;
    for (const lesson of counted) {
      const { tokens, drawnLogProbabilities: drawn } = lesson.completion;
      const share = tokenShare(given, tokens.length, lessons, counted);
      const [now, before, held] = [this.logProbabilities(lesson), old(lesson), reference?.(lesson)];
      const slopes = now.map((value, t) => {
        const ratio = Math.exp(value - before[t]);
        const isClipped = lesson.advantage > 0 ? ratio > 1 + epsilonHigh : ratio < 1 - epsilon;
        const bound = lesson.advantage > 0 ? 1 + epsilonHigh : 1 - epsilon;
        const correction = Math.min(Math.exp(before[t] - drawn[t]), samplingCap) * share;
        loss -= (isClipped ? bound : ratio) * lesson.advantage * correction;
        const slope = isClipped ? 0 : -ratio * lesson.advantage * correction;
        if (!held) return slope;
        const away = held[t] - value;
        loss += beta * (Math.exp(away) - away - 1) * share;
        return slope + beta * (1 - Math.exp(away)) * share;
      });
      scope(() => this.tokensOf(lesson).mul(tensor(slopes)).sum().backward());
    }
    this.#adamW(given.maxGradientNorm);
    return loss;
  }

  #adamW(mostNorm: number): void {
    this.#steps++;
    const { beta1, beta2, epsilon, weightDecay } = optimizer;
    const gradients = this.model.parameters.map((weight) => numbersOf(weight.grad as Tensor));
    const norm = Math.hypot(...gradients.flat());
    const scale = Math.min(1, mostNorm / norm);
    for (const [w, weight] of this.model.parameters.entries()) {
      const { mean: first, square: second } = this.#moments[w];
      const kept = 1 - learningRate * (weight.dim > 1 ? weightDecay : 0);
      const values = numbersOf(weight).map((value, i) => {
        const gradient = gradients[w][i] * scale;
        first[i] = beta1 * first[i] + (1 - beta1) * gradient;
        second[i] = beta2 * second[i] + (1 - beta2) * gradient ** 2;
        const root = Math.sqrt(second[i] / (1 - beta2 ** this.#steps));
        return value * kept - (learningRate * first[i]) / (1 - beta1 ** this.#steps) / (root + epsilon);
      });
      scope(() => noGrad(() => weight.copy_(tensor(values, { shape: weight.shape }))));
      weight.grad = undefined;
    }
  }
}

function numbersOf(values: Tensor): number[] {
  return Array.from(values.data() as Float32Array);
}

function weightsOf({ weights }: Qwen2Model): number[][] {
  return Array.from(weights.values(), numbersOf);
}

/** The largest difference of a weight. */
function farthest(a: Qwen2Model, b: Qwen2Model): number {
  const [ours, theirs] = [weightsOf(a).flat(), weightsOf(b).flat()];
  return ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i])), 0);
}

/** Two policies that are the same, for as long as `work` takes, and the one that they were. */
async function withTwins(
  work: (trained: TrainedModel, byHand: PolicyByHand, begun: Qwen2Model) => Promise<void>,
  more: Partial<TrainedModelOptions> = {},
): Promise<void> {
  const parts = { model: largeRandom(3), reference: more.keepsReference ? largeRandom(5, false) : undefined };
  const trained = TrainedModel.of({ ...options, ...more }, parts);
  const byHand = new PolicyByHand(largeRandom(3));
  const begun = largeRandom(3, false);
  try {
    await work(trained, byHand, begun);
  } finally {
    trained.close();
    byHand.model.close();
    begun.close();
  }
}

const update = (
  trained: TrainedModel,
  groups: readonly Group[],
  given: GrpoSettings,
): ReturnType<typeof grpoUpdate> => grpoUpdate(trained, groups, given, () => learningRate);

describe.skipIf(!hasLibTorch)('an update of GRPO', () => {
  it.each(lossTypes)('is the same however it is cut into micro-batches: %s', async (lossType) => {
    const begun = largeRandom(3, false);
    const [one, all] = [0, 1].map(() => TrainedModel.of(options, { model: largeRandom(3) }));
    const given = { ...settings, lossType };
    const ofOne = await update(one, [mixed, flat, other], { ...given, tokensPerMicroBatch: 1 });
    const ofAll = await update(all, [mixed, flat, other], { ...given, tokensPerMicroBatch: Infinity });
    expect(farthest(one.model, all.model)).toBeLessThan(1e-6);
    expect(farthest(one.model, begun)).toBeGreaterThan(1e-3);
    expect(ofOne.loss).toBeCloseTo(ofAll.loss, 6);
    expect(ofOne.gradientNorm).toBeCloseTo(ofAll.gradientNorm, 5);
    one.close();
    all.close();
    begun.close();
  });

  it.each([1, 64])(
    'ends where the loss of a step is too large, not that of a part of it: micro-batches of %i tokens',
    async (tokensPerMicroBatch) => {
      await withTwins(async (trained, byHand, begun) => {
        const given = { ...settings, lossType: 'grpo' as const, tokensPerMicroBatch };
        const old = (lesson: Lesson): number[] => new PolicyByHand(begun).logProbabilities(lesson);
        const loss = Math.abs(byHand.step(lessonsOf([mixed, other]), given, old));
        await expect(
          update(trained, [mixed, other], { ...given, maxLoss: 0.99 * loss }),
        ).rejects.toMatchObject({
          code: 'DIVERGED',
          what: expect.stringMatching(/^the loss of step 1 is /) as string,
        });
        expect(farthest(trained.model, begun)).toBe(0);
        expect(trained.steps).toBe(0);
        // The losses of completions have both signs: that of the longest, which comes first, is larger by itself.
        await update(trained, [mixed, other], { ...given, maxLoss: 1.01 * loss });
        expect(farthest(trained.model, byHand.model)).toBeLessThan(1e-5);
      });
    },
  );

  it('holds π_old and the reference fixed over its passes', async () => {
    const given = { ...settings, iterations: 3, beta: 0.1 };
    await withTwins(
      async (trained, byHand, begun) => {
        const reference = new PolicyByHand(largeRandom(5, false));
        const start = new PolicyByHand(begun);
        const statistics = await update(trained, [mixed, other], given);
        const lessons = lessonsOf([mixed, other]);
        const old = (lesson: Lesson): number[] => start.logProbabilities(lesson);
        const losses = [0, 1, 2].map(() =>
          byHand.step(lessons, given, old, (lesson) => reference.logProbabilities(lesson)),
        );
        reference.model.close();
        expect(farthest(trained.model, byHand.model)).toBeLessThan(1e-5);
        expect(farthest(trained.model, begun)).toBeGreaterThan(1e-2);
        expect(statistics.steps).toBe(3);
        expect(statistics.loss).toBeCloseTo(mean(losses), 5);
        // Ratios went beyond both bounds, so that π_old mattered.
        expect(statistics.clipping.lowMean).toBeGreaterThan(0);
        expect(statistics.clipping.highMean).toBeGreaterThan(0);
      },
      { keepsReference: true },
    );
  });

  it('holds π_old fixed over the steps of one pass, each of which has its share of the completions', async () => {
    const given = { ...settings, stepsPerIteration: 2 };
    await withTwins(async (trained, byHand, begun) => {
      await update(trained, [mixed, other], given);
      const start = new PolicyByHand(begun);
      const lessons = lessonsOf([mixed, other]);
      const order = shuffled(6, given.seed).map((i) => lessons[i]);
      for (const part of [order.slice(0, 3), order.slice(3)])
        byHand.step(part, given, (lesson) => start.logProbabilities(lesson));
      expect(farthest(trained.model, byHand.model)).toBeLessThan(1e-5);
      expect(farthest(trained.model, begun)).toBeGreaterThan(1e-2);
    });
  });

  it.each(lossTypes)('leaves out completions that were cut: %s', async (lossType) => {
    const given = { ...settings, lossType, masksTruncated: true };
    await withTwins(async (trained, byHand, begun) => {
      const unmasked = TrainedModel.of(options, { model: largeRandom(3) });
      const { loss } = await update(trained, [mixed, other], given);
      await update(unmasked, [mixed, other], { ...given, masksTruncated: false });
      const start = new PolicyByHand(begun);
      const old = (lesson: Lesson): number[] => start.logProbabilities(lesson);
      expect(loss).toBeCloseTo(byHand.step(lessonsOf([mixed, other]), given, old), 5);
      expect(farthest(trained.model, byHand.model)).toBeLessThan(1e-5);
      expect(farthest(trained.model, unmasked.model)).toBeGreaterThan(1e-3);
      unmasked.close();
    });
  });

  it.each(
    lossTypes.flatMap((lossType) => (['group', 'batch'] as const).map((by) => [lossType, by] as const)),
  )(
    'counts completions of groups without variance in what it divides by: %s, scaled by %s',
    async (lossType, scaleRewards) => {
      const given = { ...settings, lossType, scaleRewards };
      await withTwins(async (trained, byHand, begun) => {
        const statistics = await update(trained, [flat, mixed], given);
        const start = new PolicyByHand(begun);
        const old = (lesson: Lesson): number[] => start.logProbabilities(lesson);
        const loss = byHand.step(lessonsOf([flat, mixed], scaleRewards), given, old);
        expect(statistics.loss).toBeCloseTo(loss, 5);
        expect(farthest(trained.model, byHand.model)).toBeLessThan(1e-5);
        expect(farthest(trained.model, begun)).toBeGreaterThan(1e-3);
        expect(statistics.skippedGroups).toBe(1);
        // Of the group with variance: prompts of 3 tokens and completions of 5, 2 and 8, less the last token of each.
        expect(statistics.trainedTokens).toBe(3 * 3 + (5 + 2 + 8) - 3);
      });
    },
  );

  it('moves nothing where no group has variance, whatever momentum there is', async () => {
    const trained = TrainedModel.of(options, { model: largeRandom(3) });
    await update(trained, [mixed], settings);
    const before = weightsOf(trained.model);
    expect(await update(trained, [flat, flat], settings)).toMatchObject({
      steps: 1,
      loss: 0,
      gradientNorm: 0,
      skippedGroups: 2,
      trainedTokens: 0,
    });
    expect(weightsOf(trained.model)).toEqual(before);
    expect(trained.steps).toBe(2);
    trained.close();
  });

  it('has no KL term where no reference was kept', async () => {
    const trained = TrainedModel.of(options, { model: largeRandom(3) });
    const before = weightsOf(trained.model);
    await expect(update(trained, [mixed, other], { ...settings, beta: 0.1 })).rejects.toMatchObject({
      code: 'USAGE',
      message:
        'the model keeps no policy that it began with, which a KL term asks. Open it with keepsReference, or set beta to 0',
    });
    expect(weightsOf(trained.model)).toEqual(before);
    expect(trained.steps).toBe(0);
    trained.close();
  });

  it('with gradients of 0 has matrices decay, and neither norms nor biases', () => {
    const trained = TrainedModel.of(options, { model: largeRandom(3) });
    const begun = largeRandom(3, false);
    scope(() => {
      const batch = sequenceBatch([{ prompt: [3, 4], completion: [5, 6] }], 'cpu');
      const { logProbabilities, backward } = trained.recorded(batch, 1);
      backward(logProbabilities.mul(0).sum());
    });
    expect(trained.step(learningRate, 1)).toBe(0);
    const before = weightsOf(begun);
    for (const [i, [name, weight]] of [...trained.model.weights].entries()) {
      const kept = /norm\.weight$|\.bias$/.test(name) ? 1 : 1 - learningRate * optimizer.weightDecay;
      const values = numbersOf(weight);
      const away = Math.max(...values.map((value, j) => Math.abs(value - before[i][j] * kept)));
      expect(away).toBeLessThan(1e-7);
      expect(Math.max(...before[i].map(Math.abs))).toBeGreaterThan(0.09);
    }
    trained.close();
    begun.close();
  });

  it('changes the policy of an adapter, and not what it is held to', async () => {
    const lora = { rank: 2, alpha: 4, targets: ['all-linear'] };
    const base = new PolicyByHand(largeRandom(3, false));
    const trained = TrainedModel.of(
      { ...options, lora },
      { model: largeRandom(3, false), lora: LoraWeights.begun(config, lora, { seed: 5, device: 'cpu' }) },
    );
    await update(trained, [mixed, other], { ...settings, beta: 0.1 });
    for (const lesson of lessonsOf([mixed, other])) {
      const sequence = { prompt: lesson.prompt, completion: lesson.completion.tokens };
      const asked = (which: 'logProbabilities' | 'referenceLogProbabilities'): number[] =>
        scope(() => numbersOf(trained[which](sequenceBatch([sequence], 'cpu'), settings.temperature)));
      const expected = base.logProbabilities(lesson);
      const away = (values: readonly number[]): number =>
        Math.max(...values.map((value, t) => Math.abs(value - expected[t])));
      expect(away(asked('referenceLogProbabilities'))).toBeLessThan(1e-5);
      expect(away(asked('logProbabilities'))).toBeGreaterThan(1e-3);
      // Asking for the reference leaves the adapter where it was.
      expect(away(asked('logProbabilities'))).toBeGreaterThan(1e-3);
    }
    trained.close();
    base.model.close();
  });
});
