/** GRPO as a way to train: completions are drawn, rewarded and learnt from. */
import { resetPeakMemory, synchronize } from '@quern/libtorch';
import { QuernError } from '../errors.ts';
import type { Reward } from '../reward/reward.ts';
import type { OnWork } from '../work.ts';
import { advantagesOf, type RewardScale } from './advantages.ts';
import { learningRateAt } from './configuration/learning-rate.ts';
import type { TrainConfig } from './configuration/train-config.ts';
import { grpoUpdate, type GrpoSettings } from './grpo.ts';
import type { Method, Progress, Validated } from './method.ts';
import { naming } from './memory-hint.ts';
import { costMetrics, lengthMetrics, rewardMetrics, updateMetrics, type StepSeconds } from './metrics.ts';
import { openReward } from './opened-reward.ts';
import type { TrainedModel } from './policy/trained-model.ts';
import type { Prompts } from './prompts.ts';
import { drawingOf, lengthRules } from './rollout-settings.ts';
import {
  drawnCompletions,
  groupOf,
  rewardedGroups,
  type PromptedQuestion,
  type RewardedGroup,
} from './rollout.ts';
import { nextOf, seedFor, shuffled } from './seeds.ts';
import { hashOf, readTrainingQuestions, type DataSplit } from './training-data.ts';
import { ValidationCollection, validationRewards } from './validation.ts';

/** Questions of validation of which the completions are kept. */
const keptQuestions = 16;

/** What a {@link GrpoMethod} works with. */
export interface GrpoParts {
  readonly config: TrainConfig;
  readonly prompts: Prompts;
  /** Completions at a time. */
  readonly rows: number;
  readonly onNote: (text: string) => void;
  readonly onWork?: OnWork;
  readonly signal?: AbortSignal;
}

/**
 * GRPO of a configuration: each time a rollout of as many questions as it says, rewarded, and all the steps that are made of it.
 * What is drawn depends on the configuration's seed and the step alone, so that a training may be taken up at any rollout.
 * Validation is by rewards, by a collection's nDCG@10, or both. The model stays its caller's to close.
 */
export class GrpoMethod implements Method {
  readonly stepsAtOnce: number;
  readonly best: Method['best'];
  readonly data: string;
  readonly #parts: GrpoParts;
  readonly #questions: readonly PromptedQuestion[];
  readonly #validation: readonly PromptedQuestion[];
  readonly #reward: Reward;
  readonly #collection?: ValidationCollection;

  private constructor(
    parts: GrpoParts,
    opened: {
      questions: readonly PromptedQuestion[];
      validation: readonly PromptedQuestion[];
      reward: Reward;
      collection?: ValidationCollection;
    },
  ) {
    const { config } = parts;
    this.stepsAtOnce = config.steps_per_generation * config.num_iterations;
    this.best = { metric: `eval/${config.metric_for_best_model}`, sign: 1 };
    this.data = hashOf(opened.questions.map(({ id, question, positives }) => [id, question, positives]));
    this.#parts = parts;
    this.#questions = opened.questions;
    this.#validation = opened.validation;
    this.#reward = opened.reward;
    this.#collection = opened.collection;
  }

  /** Reads the data and opens the reward. Throws what that throws. */
  static async open(parts: GrpoParts): Promise<GrpoMethod> {
    const { config, signal, onNote, onWork } = parts;
    const questions = await promptedQuestions(config.train_data, 'train', parts);
    const validation =
      config.eval_steps > 0 && config.eval_data.length > 0
        ? chosen(await promptedQuestions(config.eval_data, 'validation', parts), config)
        : [];
    const reward = await openReward(config, { onNote, onWork, signal });
    try {
      const collection =
        config.eval_steps > 0 && config.eval_collection !== undefined
          ? await ValidationCollection.open(config.eval_collection, config, signal)
          : undefined;
      return new GrpoMethod(parts, { questions, validation, reward, collection });
    } catch (error) {
      await reward.close();
      throw error;
    }
  }

  async advance(
    trained: TrainedModel,
    step: number,
    { withSamples, signal }: { readonly withSamples: boolean; readonly signal?: AbortSignal },
  ): Promise<Progress> {
    const { config, prompts, rows } = this.#parts;
    const { device } = trained;
    const clock = new Clock(() => {
      if (device !== 'cpu') synchronize(device);
    });
    resetPeakMemory();
    const count = config.generation_batch_size / config.num_generations;
    const rollout = step / this.stepsAtOnce;
    const questions = nextOf(this.#questions.length, count, rollout * count, config.seed).map(
      (i) => this.#questions[i],
    );
    const asked = questions.map(({ prompt }, slot) => ({
      prompt,
      seeds: Array.from({ length: config.num_generations }, (_, i) =>
        seedFor(config.seed, 'completion', rollout, slot, i),
      ),
    }));
    const drawn = await naming(
      'generation_rows',
      rows,
      drawnCompletions(trained.sampler, prompts, asked, drawingOf(config, rows), signal),
    );
    const rolloutSeconds = clock.lap();
    const groups = await rewardedGroups(this.#reward, questions, drawn, lengthRules(config), signal);
    const rewardSeconds = clock.lap();
    const found = await naming(
      'tokens_per_micro_batch',
      config.tokens_per_micro_batch,
      grpoUpdate(
        trained,
        groups.map(groupOf),
        settingsOf(config, rollout),
        (made) => learningRateAt(config, made),
        signal,
      ),
    );
    const updateSeconds = clock.lap();
    const completions = groups.flatMap((group) => group.completions);
    const drawnTokens = completions.reduce((sum, { tokens }) => sum + tokens.length, 0);
    const promptTokens =
      questions.reduce((sum, { prompt }) => sum + prompt.length, 0) * config.num_generations;
    const seconds: StepSeconds = {
      rollout: rolloutSeconds,
      reward: rewardSeconds,
      update: updateSeconds,
      whole: rolloutSeconds + rewardSeconds + updateSeconds,
    };
    return {
      metrics: {
        ...updateMetrics(found),
        ...rewardMetrics(groups, config.scale_rewards),
        ...lengthMetrics(completions),
        ...costMetrics(seconds, { drawn: drawnTokens, trained: found.trainedTokens }, device),
      },
      tokens: drawnTokens + promptTokens,
      epoch: ((rollout + 1) * count) / this.#questions.length,
      ...(withSamples && { samples: samplesOf(groups, step + this.stepsAtOnce, config.scale_rewards) }),
    };
  }

  async validate(
    { sampler }: TrainedModel,
    { withSamples, signal }: { readonly withSamples: boolean; readonly signal?: AbortSignal },
  ): Promise<Validated | undefined> {
    const { config, prompts, rows } = this.#parts;
    const drawing = drawingOf(config, rows);
    const found: Record<string, number> = {};
    let samples: readonly unknown[] | undefined;
    if (this.#validation.length > 0) {
      const of = { prompts, reward: this.#reward, questions: this.#validation };
      const rewards = validationRewards(sampler, of, config, drawing, signal);
      const { figures, groups } = await naming('generation_rows', rows, rewards);
      Object.assign(found, figures);
      samples = groups.slice(0, keptQuestions).map((group) => sampleOf(group));
    }
    if (this.#collection) {
      const most = promptRoom(config, prompts);
      const measured = this.#collection.measured(sampler, prompts, { ...drawing, most }, signal);
      const { ndcg, drawn } = await naming('generation_rows', rows, measured);
      found['eval/ndcg@10'] = ndcg;
      found['eval/ndcg@10/none'] = this.#collection.none;
      samples ??= drawn.slice(0, keptQuestions).map(({ id, text: question, completion }) => {
        const { text, tokens, finish } = completion;
        return { id, question, completions: [{ text, tokens: tokens.length, finish }] };
      });
    }
    if (Object.keys(found).length === 0) return undefined;
    return { figures: found, ...(withSamples && samples && { samples }) };
  }

  forget(): void {
    this.#reward.forget?.();
  }

  async close(): Promise<void> {
    await this.#reward.close();
    await this.#collection?.close();
  }
}

/** Questions with their prompts; those whose prompts are too long are left out. */
async function promptedQuestions(
  paths: readonly string[],
  split: DataSplit,
  { config, prompts, onNote, signal }: GrpoParts,
): Promise<PromptedQuestion[]> {
  const all = await readTrainingQuestions(paths, { split, signal });
  const most = promptRoom(config, prompts);
  const prompted = all.map((question) => ({ ...question, prompt: prompts.training(question.question) }));
  const kept = prompted.filter(({ prompt }) => prompt.length <= most);
  if (kept.length < all.length) {
    onNote(
      `${all.length - kept.length} of ${all.length} questions are left out: their prompts are longer than ${most} tokens`,
    );
  }
  if (kept.length > 0) return kept;
  throw new QuernError('BAD_INPUT', `no question has a prompt of at most ${most} tokens`, {
    where: paths.join(', '),
    hint:
      most < config.max_prompt_length
        ? `The model has ${prompts.config.positions} positions: lower max_completion_length`
        : `Raise max_prompt_length: the shortest prompt has ${Math.min(...prompted.map(({ prompt }) => prompt.length))} tokens`,
  });
}

/** The most tokens of a prompt. */
function promptRoom(config: TrainConfig, { config: { positions } }: Prompts): number {
  return Math.min(config.max_prompt_length, positions - config.max_completion_length - 1);
}

/** The questions of validation: the same each time. */
function chosen(
  questions: readonly PromptedQuestion[],
  { eval_questions: most, seed }: TrainConfig,
): PromptedQuestion[] {
  return shuffled(questions.length, seedFor(seed, 'eval'))
    .slice(0, most)
    .map((i) => questions[i]);
}

function settingsOf(config: TrainConfig, rollout: number): GrpoSettings {
  return {
    scaleRewards: config.scale_rewards,
    lossType: config.loss_type,
    epsilon: config.epsilon,
    epsilonHigh: config.epsilon_high ?? config.epsilon,
    beta: config.beta,
    samplingCap: config.importance_sampling_correction ? config.importance_sampling_cap : undefined,
    temperature: config.temperature,
    maxCompletionLength: config.max_completion_length,
    masksTruncated: config.mask_truncated_completions,
    iterations: config.num_iterations,
    stepsPerIteration: config.steps_per_generation,
    tokensPerMicroBatch: config.tokens_per_micro_batch,
    maxGradientNorm: config.max_grad_norm,
    maxLoss: config.max_loss ?? undefined,
    seed: seedFor(config.seed, 'parts', rollout),
  };
}

function samplesOf(groups: readonly RewardedGroup[], step: number, scale: RewardScale): unknown[] {
  const rewards = groups.map(({ completions }) => completions.map(({ reward }) => reward));
  const { advantages } = advantagesOf(rewards, scale);
  return groups.map((group, i) => ({ step, ...sampleOf(group, advantages[i]) }));
}

/** A question as it is kept; of validation nothing is learnt, and there are no advantages. */
function sampleOf({ question, completions }: RewardedGroup, advantages?: readonly number[]): object {
  return {
    id: question.id,
    question: question.question,
    prompt_tokens: question.prompt.length,
    completions: completions.map(({ text, tokens, finish, reward, parts, failure }, j) => ({
      text,
      tokens: tokens.length,
      finish,
      reward,
      parts,
      ...(advantages && { advantage: advantages[j] }),
      ...(failure !== undefined && { failure }),
    })),
  };
}

/** Seconds since it was last asked. */
class Clock {
  readonly #settle: () => void;
  #last = performance.now();

  constructor(settle: () => void) {
    this.#settle = settle;
  }

  lap(): number {
    this.#settle();
    const now = performance.now();
    const seconds = (now - this.#last) / 1000;
    this.#last = now;
    return seconds;
  }
}
