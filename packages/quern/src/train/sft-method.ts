/** Supervised fine-tuning as a way to train: reasoned queries that are given are imitated. */
import { resetPeakMemory } from '@quern/libtorch';
import { QuernError } from '../errors.ts';
import { learningRateAt } from './configuration/learning-rate.ts';
import type { TrainConfig } from './configuration/train-config.ts';
import type { Method, Progress, Validated } from './method.ts';
import { costMetrics } from './metrics.ts';
import type { TrainedModel } from './policy/trained-model.ts';
import type { Prompts } from './prompts.ts';
import { nextOf, seedFor, shuffled } from './seeds.ts';
import { lengthOf, type Sequence } from './sequence-batch.ts';
import { sftLoss, sftStep } from './sft.ts';
import { hashOf, readDemonstrations } from './training-data.ts';

/** What a {@link SftMethod} works with. */
export interface SftParts {
  readonly config: TrainConfig;
  readonly prompts: Prompts;
  readonly onNote: (text: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Supervised fine-tuning of a configuration: each time one step by as many examples as `generation_batch_size` says, which depend on
 * its seed and the step alone. Validation is by the mean cross-entropy of a token, in nats. The model stays its caller's to close.
 */
export class SftMethod implements Method {
  readonly stepsAtOnce = 1;
  readonly best: Method['best'] = { metric: 'eval/loss', sign: -1 };
  readonly data: string;
  readonly #parts: SftParts;
  readonly #examples: readonly Sequence[];
  readonly #validation: readonly Sequence[];

  private constructor(parts: SftParts, examples: readonly Sequence[], validation: readonly Sequence[]) {
    this.#parts = parts;
    this.#examples = examples;
    this.data = hashOf(examples.map(({ prompt, completion }) => [prompt, completion]));
    this.#validation = validation;
  }

  /** Reads the data. Throws what that throws. */
  static async open(parts: SftParts): Promise<SftMethod> {
    const { config } = parts;
    const examples = await sequencesOf(config.train_data, parts);
    if (config.eval_steps === 0 || config.eval_data.length === 0) return new SftMethod(parts, examples, []);
    const all = await sequencesOf(config.eval_data, parts);
    const order = shuffled(all.length, seedFor(config.seed, 'eval')).slice(0, config.eval_questions);
    return new SftMethod(
      parts,
      examples,
      order.map((i) => all[i]),
    );
  }

  async advance(
    trained: TrainedModel,
    step: number,
    { signal }: { readonly signal?: AbortSignal },
  ): Promise<Progress> {
    const { config } = this.#parts;
    resetPeakMemory();
    const count = config.generation_batch_size;
    const begun = performance.now();
    const batch = nextOf(this.#examples.length, count, step * count, config.seed).map(
      (i) => this.#examples[i],
    );
    const learningRate = learningRateAt(config, step);
    const found = await sftStep(
      trained,
      batch,
      {
        tokensPerMicroBatch: config.tokens_per_micro_batch,
        maxGradientNorm: config.max_grad_norm,
        learningRate,
        maxLoss: config.max_loss ?? undefined,
      },
      signal,
    );
    const seconds = (performance.now() - begun) / 1000;
    const tokens = batch.reduce((sum, each) => sum + lengthOf(each), 0);
    const cost = costMetrics(
      { rollout: 0, reward: 0, update: seconds, whole: seconds },
      { drawn: 0, trained: tokens },
      trained.device,
    );
    const told = Object.entries(cost).filter(([name]) => !/rollout|reward/.test(name));
    return {
      metrics: {
        loss: found.loss,
        grad_norm: found.gradientNorm,
        learning_rate: learningRate,
        entropy: found.entropy,
        ...Object.fromEntries(told),
      },
      tokens,
      epoch: ((step + 1) * count) / this.#examples.length,
    };
  }

  async validate(
    trained: TrainedModel,
    { signal }: { readonly signal?: AbortSignal },
  ): Promise<Validated | undefined> {
    if (this.#validation.length === 0) return undefined;
    const { config } = this.#parts;
    const loss = await sftLoss(trained, this.#validation, config.tokens_per_micro_batch, signal);
    return { figures: { 'eval/loss': loss } };
  }

  forget(): void {}

  async close(): Promise<void> {}
}

/** Prompts with what is to be said, and the token that ends it; what is too long is left out. */
async function sequencesOf(
  paths: readonly string[],
  { config, prompts, onNote, signal }: SftParts,
): Promise<Sequence[]> {
  const all = (await readDemonstrations(paths, signal)).map(({ question, reasoned }) => ({
    prompt: prompts.training(question),
    completion: [...prompts.tokensOf(reasoned), prompts.endTokens[0]],
  }));
  const kept = all.filter(
    ({ prompt, completion }) =>
      prompt.length <= config.max_prompt_length &&
      completion.length <= config.max_completion_length &&
      prompt.length + completion.length <= prompts.config.positions,
  );
  if (kept.length < all.length) {
    onNote(
      `${all.length - kept.length} of ${all.length} examples are left out: their prompts are longer than ${config.max_prompt_length} tokens or their answers than ${config.max_completion_length}`,
    );
  }
  if (kept.length > 0) return kept;
  const least = (of: (each: Sequence) => readonly number[]): number =>
    Math.min(...all.map((each) => of(each).length));
  throw new QuernError('BAD_INPUT', 'no example is short enough', {
    where: paths.join(', '),
    hint:
      `The shortest prompt has ${least(({ prompt }) => prompt)} tokens (max_prompt_length ${config.max_prompt_length}), the ` +
      `shortest answer ${least(({ completion }) => completion)} (max_completion_length ${config.max_completion_length}), and the ` +
      `model ${prompts.config.positions} positions`,
  });
}
