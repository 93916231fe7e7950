/** A run of training: what is loaded, its steps, what is told and kept of them, and how it ends. */
import { QuernError } from '../errors.ts';
import { checkpointFolder } from '../models/checkpoint-folder.ts';
import { tinyModelFolder, tinyModelName } from '../models/checkpoint-parts.ts';
import { torchDevice } from '../models/torch/device.ts';
import { quernError } from '../models/torch/torch-error.ts';
import type { OnWork } from '../work.ts';
import { checkFits } from './configuration/memory-check.ts';
import { configYaml, readTrainConfig } from './configuration/read-config.ts';
import { sameRun } from './configuration/same-run.ts';
import type { TrainConfig } from './configuration/train-config.ts';
import { memoryText, trainingMemory, type TrainingMemory } from './configuration/training-memory.ts';
import { freeDeviceMemory } from './free-device-memory.ts';
import { GrpoMethod } from './grpo-method.ts';
import type { Method } from './method.ts';
import { meanOf } from './advantages.ts';
import type { MetricsLine } from './metrics.ts';
import { TrainedModel } from './policy/trained-model.ts';
import { openPrompts } from './prompts.ts';
import { RunFolder, type BestCheckpoint, type RunState, type TrainerState } from './run-folder.ts';
import { SftMethod } from './sft-method.ts';
import { tinyModelConfig, writeTinyModel } from './tiny-model.ts';

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

/** How a run ended. */
export interface TrainingOutcome {
  readonly status: 'done' | 'stopped';
  readonly step: number;
  readonly folder: string;
  /** The folder of the last checkpoint. */
  readonly checkpoint?: string;
  readonly best?: BestCheckpoint;
}

/**
 * Trains as a configuration says, in the folder that it names; with `resume`, on from the last checkpoint. A run that is stopped
 * is returned as such. Throws what its parts throw, after what was done up to the last whole step is in a checkpoint, unless it is
 * `DIVERGED` or memory, disk or device are used up: then the last checkpoint is as it was.
 */
export async function train(config: TrainConfig, options: TrainingOptions = {}): Promise<TrainingOutcome> {
  const { resume = false } = options;
  const folder = await RunFolder.open(config.output_dir, { resume });
  try {
    if (resume) await checkSameRun(config, folder);
    const last = (await folder.checkpoints()).at(-1) ?? 0;
    const from = last === 0 ? undefined : await folder.trainerState(last);
    const run = await Run.open(config, folder, { ...options, from }).catch(async (error: unknown) => {
      // Nothing was done yet: the folder is as it was, and can be named again.
      if (!resume) await folder.discard();
      throw quernError(error);
    });
    try {
      await folder.rewind(last);
      await folder.writeConfig(configYaml(config));
      return await toItsEnd(run, config, folder);
    } finally {
      await run.close();
    }
  } finally {
    await folder.close();
  }
}

/** Makes the steps that are left, and tells in the folder how the run fares. */
async function toItsEnd(run: Run, config: TrainConfig, folder: RunFolder): Promise<TrainingOutcome> {
  const tell = (status: RunState['status'], error?: string): Promise<void> =>
    folder.writeState({
      status,
      step: run.step,
      max_steps: config.max_steps,
      ...(run.best && { best: run.best }),
      ...(error !== undefined && { error }),
    });
  try {
    await tell('running');
    await run.toEnd(() => tell('running'));
    await tell('done');
    return await outcome('done', run, folder);
  } catch (error) {
    const typed = quernError(error);
    const isStop = typed instanceof QuernError && typed.code === 'ABORTED';
    if (isKeepable(typed)) await run.keep().catch(() => undefined);
    const message = typed instanceof Error ? typed.message : String(typed);
    await tell(isStop ? 'stopped' : 'failed', isStop ? undefined : message).catch(() => undefined);
    if (isStop) return outcome('stopped', run, folder);
    throw typed;
  }
}

/** What a run would need: nothing is loaded, and no folder is made. Throws `OUT_OF_MEMORY` where it does not fit. */
export async function plannedMemory(
  config: TrainConfig,
  options: Pick<TrainingOptions, 'onWork' | 'signal'> = {},
): Promise<{ readonly memory: TrainingMemory; readonly text: string }> {
  const device = deviceOf(config);
  const prompts =
    config.model_name_or_path === tinyModelName
      ? undefined
      : await openPrompts(
          await checkpointFolder(config.model_name_or_path, options),
          config.prompt,
          options.signal,
        );
  const memory = await memoryOf(config, prompts?.config ?? tinyModelConfig, device);
  return { memory, text: memoryText(memory) };
}

/** A run under way. */
class Run {
  readonly #config: TrainConfig;
  readonly #folder: RunFolder;
  readonly #options: TrainingOptions;
  readonly #trained: TrainedModel;
  readonly #method: Method;
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
    },
    from: TrainerState | undefined,
  ) {
    this.#config = parts.config;
    this.#folder = parts.folder;
    this.#options = parts.options;
    this.#trained = parts.trained;
    this.#method = parts.method;
    this.#step = from?.step ?? 0;
    this.#tokens = from?.tokens ?? 0;
    this.#best = from?.best;
  }

  /** Loads what is needed, after a look at whether memory has room for it. */
  static async open(
    config: TrainConfig,
    folder: RunFolder,
    options: TrainingOptions & { readonly from?: TrainerState },
  ): Promise<Run> {
    const { from, signal, onWork } = options;
    const onNote = (text: string): void => options.onEvent?.({ kind: 'note', text });
    const device = deviceOf(config);
    const base = await modelFolder(config, folder, options);
    const prompts = await openPrompts(base, config.prompt, signal);
    const memory = await memoryOf(config, prompts.config, device);
    checkFits(memory);
    const trained = await TrainedModel.open({
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
    });
    try {
      const parts = { config, trained, prompts, rows: memory.resolvedRows, onNote, onWork, signal };
      const method = config.method === 'grpo' ? await GrpoMethod.open(parts) : await SftMethod.open(parts);
      return new Run({ config, folder, options, trained, method }, from);
    } catch (error) {
      trained.close();
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
      const made = await this.#method.advance(before, { withSamples: passes(logSteps), signal });
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
    const state: TrainerState = {
      step: this.#step,
      tokens: this.#tokens,
      ...(this.#best && { best: this.#best }),
    };
    const base = this.#config.model_name_or_path;
    await this.#folder.addCheckpoint(state, (folder) => this.#trained.save(folder, { base }));
    await this.#folder.keepCheckpoints(this.#config.save_total_limit, this.#best?.step);
    this.#method.forget();
    const isBest = this.#best?.step === this.#step;
    this.#options.onEvent?.({ kind: 'checkpoint', folder: this.#folder.checkpoint(this.#step), isBest });
  }

  async close(): Promise<void> {
    await this.#method.close();
    this.#trained.close();
  }

  /** Whether the policy is the best so far. */
  async #validate(): Promise<boolean> {
    const found = this.#config.eval_steps > 0 ? await this.#method.validate(this.#options.signal) : undefined;
    if (!found) return false;
    await this.#tell({ kind: 'eval', step: this.#step, ...found });
    const { metric, sign } = this.#method.best;
    const value = found[metric];
    if (typeof value !== 'number' || this.#step === 0) return false;
    if (this.#best && sign * value <= sign * this.#best.value) return false;
    this.#best = { step: this.#step, metric, value };
    return true;
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

async function outcome(
  status: TrainingOutcome['status'],
  run: Run,
  folder: RunFolder,
): Promise<TrainingOutcome> {
  const last = (await folder.checkpoints()).at(-1);
  return {
    status,
    step: run.step,
    folder: folder.path,
    ...(last !== undefined && { checkpoint: folder.checkpoint(last) }),
    ...(run.best && { best: run.best }),
  };
}

function deviceOf(config: TrainConfig): string {
  return torchDevice(
    config.device === undefined ? process.env : { ...process.env, QUERN_DEVICE: config.device },
  );
}

function usesBf16({ bf16 }: TrainConfig, device: string): boolean {
  return bf16 === 'auto' ? device !== 'cpu' : bf16;
}

async function memoryOf(
  config: TrainConfig,
  model: Parameters<typeof trainingMemory>[0]['model'],
  device: string,
): Promise<TrainingMemory> {
  const subject = {
    config,
    model,
    device: device === 'cpu' ? ('cpu' as const) : ('cuda' as const),
    dtype: usesBf16(config, device) ? ('bfloat16' as const) : ('float32' as const),
  };
  return trainingMemory(subject, await freeDeviceMemory(device));
}

/** The checkpoint that training begins with; a tiny one of random weights is made in the run's folder. */
async function modelFolder(
  config: TrainConfig,
  folder: RunFolder,
  { onWork, signal }: TrainingOptions,
): Promise<string> {
  if (config.model_name_or_path !== tinyModelName) {
    return checkpointFolder(config.model_name_or_path, { onWork, signal });
  }
  const path = tinyModelFolder(folder.path);
  await writeTinyModel(path, config.seed).catch((error: unknown) => {
    if (!(error instanceof QuernError) || error.code !== 'ALREADY_EXISTS') throw error;
  });
  return path;
}

/** Throws `USAGE` where a run would go on with what it was not begun with. */
async function checkSameRun(config: TrainConfig, folder: RunFolder): Promise<void> {
  const before = await readTrainConfig({ file: folder.configFile });
  const changed = sameRun(before, config);
  if (changed.length === 0) return;
  throw new QuernError('USAGE', `the run was begun with another ${changed.join(', ')}`, {
    where: folder.configFile,
    hint: 'Leave it as it was, or begin a new run',
  });
}

/** Whether weights are good, and memory and disk there to keep them, when this went wrong. */
function isKeepable(error: unknown): boolean {
  if (!(error instanceof QuernError)) return false;
  return !['DIVERGED', 'OUT_OF_MEMORY', 'DISK_FULL'].includes(error.code);
}
