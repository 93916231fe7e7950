/** A run under way: what is loaded, and its steps with what is told and kept of them. */
import { QuernError } from '../errors.ts';
import type { Qwen2Config } from '../models/checkpoint/qwen2-config.ts';
import type { OnWork } from '../work.ts';
import { meanOf } from './advantages.ts';
import { checkFits } from './configuration/memory-check.ts';
import type { TrainConfig } from './configuration/train-config.ts';
import { GrpoMethod } from './grpo-method.ts';
import type { Method } from './method.ts';
import type { MetricsLine } from './metrics.ts';
import { deviceOf, memoryOf, usesBf16 } from './planned-memory.ts';
import { TrainedModel, type TrainedModelOptions } from './policy/trained-model.ts';
import { openPrompts } from './prompts.ts';
import type { BestCheckpoint, RunFolder, TrainerState } from './run-folder.ts';
import { SftMethod } from './sft-method.ts';
import { startingCheckpoint, startingParts } from './starting-checkpoint.ts';

/** What a run tells of itself. */
export type TrainingEvent =
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'metrics'; readonly line: MetricsLine; readonly secondsLeft?: number }
  | { readonly kind: 'checkpoint'; readonly folder: string; readonly isBest: boolean };

/** How a run is begun or taken up. */
export interface TrainingOptions {
  readonly resume?: boolean;
  readonly onEvent?: (event: TrainingEvent) => void;
  readonly onWork?: OnWork;
  /** Stops it: what was done is kept in a checkpoint, and the run can be taken up again. */
  readonly signal?: AbortSignal;
}

/** Loaded, to make its steps. */
export class Run {
  readonly #config: TrainConfig;
  readonly #folder: RunFolder;
  readonly #options: TrainingOptions;
  readonly #trained: TrainedModel;
  readonly #method: Method;
  readonly #rows: number;
  /** What adapters name as the checkpoint that they change. */
  readonly #base: string;
  #tokens: number;
  #best: BestCheckpoint | undefined;
  /** The last step that was made whole. */
  #step: number;
  readonly #seconds: number[] = [];

  private constructor(
    parts: {
      config: TrainConfig;
      folder: RunFolder;
      options: TrainingOptions;
      trained: TrainedModel;
      method: Method;
      rows: number;
      base: string;
    },
    from: TrainerState | undefined,
  ) {
    this.#config = parts.config;
    this.#folder = parts.folder;
    this.#options = parts.options;
    this.#trained = parts.trained;
    this.#method = parts.method;
    this.#rows = parts.rows;
    this.#base = parts.base;
    this.#step = from?.step ?? 0;
    this.#tokens = from?.tokens ?? 0;
    this.#best = from?.best;
    if (this.#best && this.#best.on !== measuredOn(this.#config)) {
      this.#note(
        `the best checkpoint so far, ${this.#best.step}, was measured on something else: from here on others are`,
      );
      this.#best = undefined;
    }
  }

  /**
   * Loads what is needed: what may be wrong and is soon known first, the model after a look at whether memory has room for it.
   * Throws `USAGE` where the data is not what the run was begun with.
   */
  static async open(
    config: TrainConfig,
    folder: RunFolder,
    options: TrainingOptions & { readonly from?: TrainerState },
  ): Promise<Run> {
    const { from, signal, onWork } = options;
    const onNote = (text: string): void => options.onEvent?.({ kind: 'note', text });
    const device = deviceOf(config);
    const start = await startingParts(config, options);
    const prompts = await openPrompts(start.folder, config.prompt, signal);
    const rows = await rowsOf(config, prompts.config, device, from, onNote);
    const parts = { config, prompts, rows, onNote, onWork, signal };
    const method = config.method === 'grpo' ? await GrpoMethod.open(parts) : await SftMethod.open(parts);
    try {
      if (from?.data !== undefined && from.data !== method.data) {
        throw new QuernError('USAGE', 'the data has changed since the run was begun', {
          where: config.train_data.join(', '),
          hint: 'Put it back as it was, or begin a new run',
        });
      }
      const base = await startingCheckpoint(start, config, options);
      const made = { folder, ...options };
      const trained = await TrainedModel.open(trainedOptions(config, base.folder, device, made));
      return new Run({ config, folder, options, trained, method, rows, base: base.name }, from);
    } catch (error) {
      await method.close();
      throw error;
    }
  }

  get step(): number {
    return this.#step;
  }

  get best(): BestCheckpoint | undefined {
    return this.#best;
  }

  /** Makes the steps that are left. `onStep` is awaited after each. */
  async toEnd(onStep: () => Promise<void>): Promise<void> {
    const {
      max_steps: most,
      eval_steps: evalSteps,
      save_steps: saveSteps,
      log_completions_steps: logSteps,
    } = this.#config;
    const { signal } = this.#options;
    const isDue = (every: number, after: number): boolean => {
      const before = after - this.#method.stepsAtOnce;
      return every > 0 && (Math.floor(after / every) > Math.floor(before / every) || after >= most);
    };
    // Before the first step, and where the run was stopped in a validation.
    const last = (await this.#folder.metrics()).at(-1);
    if (this.#step === 0 || (last?.kind === 'train' && isDue(evalSteps, this.#step))) await this.#validate();
    while (this.#step < most) {
      const before = this.#step;
      const after = before + this.#method.stepsAtOnce;
      const passes = (every: number): boolean => isDue(every, after);
      const begun = performance.now();
      const made = await this.#method.advance(this.#trained, before, {
        withSamples: passes(logSteps),
        signal,
      });
      this.#step = after;
      this.#tokens += made.tokens;
      if (made.samples) await this.#folder.addSamples(after, made.samples);
      await this.#tell({
        kind: 'train',
        step: after,
        epoch: made.epoch,
        num_tokens: this.#tokens,
        ...made.metrics,
      });
      const isBest = passes(evalSteps) && (await this.#validate());
      this.#seconds.push((performance.now() - begun) / 1000);
      if (isBest || passes(saveSteps)) await this.keep();
      await onStep();
    }
    await this.keep();
  }

  /** Writes a checkpoint of the last whole step, unless there is one. */
  async keep(): Promise<void> {
    // In the middle of several steps by one rollout there is no place to go on from.
    if (this.#step === 0 || this.#trained.steps !== this.#step) return;
    if ((await this.#folder.checkpoints()).includes(this.#step)) return;
    const base = this.#base;
    await this.#folder.addCheckpoint(this.#state(), (folder) => this.#trained.save(folder, { base }));
    await this.#folder.keepCheckpoints(this.#config.save_total_limit, this.#best?.step);
    this.#method.forget();
    const isBest = this.#best?.step === this.#step;
    this.#options.onEvent?.({ kind: 'checkpoint', folder: this.#folder.checkpoint(this.#step), isBest });
  }

  async close(): Promise<void> {
    try {
      await this.#method.close();
    } finally {
      this.#trained.close();
    }
  }

  #state(): TrainerState {
    return {
      step: this.#step,
      tokens: this.#tokens,
      ...(this.#best && { best: this.#best }),
      rows: this.#rows,
      data: this.#method.data,
    };
  }

  #note(text: string): void {
    this.#options.onEvent?.({ kind: 'note', text });
  }

  /** Whether the policy is the best so far. */
  async #validate(): Promise<boolean> {
    if (this.#config.eval_steps === 0) return false;
    const validated = await this.#method.validate(this.#trained, {
      withSamples: this.#config.log_completions_steps > 0,
      signal: this.#options.signal,
    });
    if (!validated) return false;
    const { figures: found, samples } = validated;
    if (samples) await this.#folder.addSamples(this.#step, samples, 'validation');
    const { metric, sign } = this.#method.best;
    const value = found[metric];
    const isBest =
      typeof value === 'number' && this.#step > 0 && !(this.#best && sign * value <= sign * this.#best.value);
    if (isBest) {
      this.#best = { step: this.#step, metric, value, on: measuredOn(this.#config) };
      // The run was stopped in this validation, and has the checkpoint already. Before the line: what has one is not validated again.
      if ((await this.#folder.checkpoints()).includes(this.#step))
        await this.#folder.writeTrainerState(this.#state());
    }
    await this.#tell({ kind: 'eval', step: this.#step, ...found });
    return isBest;
  }

  async #tell(line: MetricsLine): Promise<void> {
    await this.#folder.addMetrics(line);
    const left = (this.#config.max_steps - this.#step) / this.#method.stepsAtOnce;
    const recent = this.#seconds.slice(-10);
    this.#options.onEvent?.({
      kind: 'metrics',
      line,
      ...(recent.length > 0 && { secondsLeft: left * meanOf(recent) }),
    });
  }
}

/** The fields that say what the best checkpoint is best at. */
function measuredOn(config: TrainConfig): string {
  const { eval_data, eval_questions, eval_collection, eval_split, eval_topics, metric_for_best_model } =
    config;
  return JSON.stringify({
    eval_data,
    eval_questions,
    eval_collection,
    eval_split,
    eval_topics,
    metric_for_best_model,
  });
}

/** Completions at a time: as many as before where memory has room for them, as their number changes how sums are rounded. */
async function rowsOf(
  config: TrainConfig,
  model: Qwen2Config,
  device: string,
  from: TrainerState | undefined,
  onNote: (text: string) => void,
): Promise<number> {
  if (config.generation_rows === 'auto' && from?.rows !== undefined && from.rows > 0) {
    const asBefore = await memoryOf({ ...config, generation_rows: from.rows }, model, device);
    if (asBefore.total <= asBefore.available) return asBefore.resolvedRows;
  }
  const memory = await memoryOf(config, model, device);
  checkFits(memory);
  if (from?.rows !== undefined && from.rows > 0 && from.rows !== memory.resolvedRows) {
    onNote(
      `${memory.resolvedRows} completions at a time, before it were ${from.rows}: sums are rounded otherwise, and other tokens can be drawn`,
    );
  }
  return memory.resolvedRows;
}

function trainedOptions(
  config: TrainConfig,
  base: string,
  device: string,
  { folder, from, signal, onWork }: TrainingOptions & { folder: RunFolder; from?: TrainerState },
): TrainedModelOptions {
  return {
    folder: base,
    device,
    bf16: usesBf16(config, device),
    seed: config.seed,
    ...(config.use_peft && {
      lora: { rank: config.lora_r, alpha: config.lora_alpha, targets: config.lora_target_modules },
    }),
    optimizer: {
      beta1: config.adam_beta1,
      beta2: config.adam_beta2,
      epsilon: config.adam_epsilon,
      weightDecay: config.weight_decay,
    },
    keepsReference: config.method === 'grpo' && config.beta > 0,
    samples: config.method === 'grpo',
    gradientCheckpointing: config.gradient_checkpointing,
    ...(from && { from: folder.checkpoint(from.step), steps: from.step }),
    signal,
    onWork,
  };
}
