/**
 * A model under training: what is changed, what changes it, what completions are drawn from, and what it is held to. Weights that
 * are trained, their gradients and moments are float32; on a GPU matrix products are in bfloat16 (autocast). Completions are drawn
 * from a copy that follows after each step: in bfloat16 on a GPU, and where there are adapters, or the model is small, on the
 * processor too.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AdamW,
  autocast,
  clipGradNorm,
  noGrad,
  scope,
  tokenLogProbabilitiesAndEntropies,
  zeros,
  type AdamWState,
  type Device,
  type Tensor,
} from '@quern/libtorch';
import { QuernError } from '../../errors.ts';
import { optimizerFile } from '../../models/model-files.ts';
import { LoraWeights, mergedMatrix, type LoraSettings } from '../../models/torch/lora.ts';
import type { LinearAdapter } from '../../models/torch/qwen2-layer.ts';
import { Qwen2Model } from '../../models/torch/qwen2-model.ts';
import { saveModel } from '../../models/torch/save-model.ts';
import { readTensorFile, writeTensorFile } from '../../models/torch/tensor-file.ts';
import type { WeightMap } from '../../models/torch/weight-map.ts';
import type { OnWork } from '../../work.ts';
import type { SequenceBatch } from '../sequence-batch.ts';
import { drawsFromCopy, isCopied } from './sampler-copy.ts';

/** The numbers of AdamW. */
export interface OptimizerSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Of matrices; norms and biases do not decay (as in transformers' trainer). */
  readonly weightDecay: number;
}

/** How a model is opened for training. */
export interface TrainedModelOptions {
  /** The folder of the checkpoint that training begins with. */
  readonly folder: string;
  readonly device: Device;
  /** Whether matrix products are in bfloat16. */
  readonly bf16: boolean;
  readonly lora?: LoraSettings;
  /** Of the adapter's first weights. */
  readonly seed: number;
  readonly optimizer: OptimizerSettings;
  /**
   * Whether the policy that training begins with is asked later, as a KL term does (`beta` other than 0): a second model, that
   * {@link TrainedModel.of} is given. With LoRA there is no need of it: that policy is the model without its adapter.
   */
  readonly keepsReference: boolean;
  /** Whether completions will be drawn. */
  readonly samples: boolean;
  /** What is kept between the layers of a batch: their inputs alone, or all. */
  readonly gradientCheckpointing: boolean;
  /** The folder that {@link TrainedModel.save} wrote and training goes on from. */
  readonly from?: string;
  /** Steps that were made before. */
  readonly steps?: number;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

/** Log-probabilities of a batch's tokens under a model, recorded. */
export interface RecordedTokens {
  /** Shape: (N) of float32. */
  readonly logProbabilities: Tensor;
  /** Of the distributions, in nats. Shape: (N). */
  readonly entropies: Tensor;
  /** Adds the gradients of a loss of `logProbabilities` to the weights'. */
  readonly backward: (loss: Tensor) => void;
}

/**
 * A model with the optimiser that trains it. It holds its tensors until {@link TrainedModel.close}. Batches are as
 * {@link sequenceBatch} makes them, on {@link TrainedModel.device}; methods that compute throw
 * LibTorch's errors (`OUT_OF_MEMORY`, `WRONG_DEVICE`, …).
 */
export class TrainedModel {
  /** What is trained; with LoRA what the adapter changes. */
  readonly model: Qwen2Model;
  readonly lora?: LoraWeights;
  readonly #options: TrainedModelOptions;
  readonly #reference?: Qwen2Model;
  readonly #sampler: Qwen2Model;
  readonly #optimizers: readonly AdamW[];
  /** What is trained, by its name in a checkpoint or an adapter. */
  readonly #trained: WeightMap;
  #steps: number;

  private constructor(
    options: TrainedModelOptions,
    parts: { model: Qwen2Model; lora?: LoraWeights; reference?: Qwen2Model },
  ) {
    this.#options = options;
    this.model = parts.model;
    this.lora = parts.lora;
    this.#reference = parts.reference;
    this.#trained = parts.lora?.weights ?? parts.model.weights;
    this.#steps = options.steps ?? 0;
    const { beta1, beta2, epsilon, weightDecay } = options.optimizer;
    const parameters = [...this.#trained.values()];
    this.#optimizers = [
      { those: parameters.filter(({ dim }) => dim > 1), decay: weightDecay },
      { those: parameters.filter(({ dim }) => dim <= 1), decay: 0 },
    ].flatMap(({ those, decay }) =>
      those.length === 0 ? [] : [new AdamW(those, { betas: [beta1, beta2], epsilon, weightDecay: decay })],
    );
    this.#sampler = options.samples ? this.#newSampler() : this.model;
    if (this.lora) this.model.adapt(this.lora.pairs);
  }

  /**
   * Loads what training begins with, or goes on from. Throws what loading a checkpoint throws (`NOT_FOUND`, `CORRUPT_FILE`,
   * `UNSUPPORTED`, `OUT_OF_MEMORY`, `MISSING_PACKAGE`).
   */
  static async open(options: TrainedModelOptions): Promise<TrainedModel> {
    const { folder, device, bf16, lora: settings, seed, from, signal, onWork, keepsReference } = options;
    const load = (path: string, dtype: 'float32' | 'bfloat16', isTrained: boolean): Promise<Qwen2Model> =>
      Qwen2Model.load(path, { dtype, device, stream: 'float32', isTrained, signal, onWork });
    const frozen = bf16 ? 'bfloat16' : 'float32';
    const opened: { close(): void }[] = [];
    try {
      const model = await load(
        settings ? folder : (from ?? folder),
        settings ? frozen : 'float32',
        !settings,
      );
      opened.push(model);
      const lora =
        settings &&
        (from === undefined
          ? LoraWeights.begun(model.config, settings, { seed, device })
          : await LoraWeights.load(from, model.config, settings, device));
      const reference = keepsReference && !settings ? await load(folder, frozen, false) : undefined;
      if (reference) opened.push(reference);
      const trained = TrainedModel.of(options, { model, lora, reference });
      // It has taken over what was opened.
      opened.splice(0, opened.length, trained);
      if (from !== undefined) await trained.#restore(from);
      return trained;
    } catch (error) {
      for (const each of opened) each.close();
      throw error;
    }
  }

  /** One of models that are there already, which it takes over. */
  static of(
    options: TrainedModelOptions,
    parts: { readonly model: Qwen2Model; readonly lora?: LoraWeights; readonly reference?: Qwen2Model },
  ): TrainedModel {
    const trained = new TrainedModel(options, parts);
    trained.#follow();
    return trained;
  }

  /** What completions are drawn from. Weights must not change while they are. */
  get sampler(): Qwen2Model {
    return this.#sampler;
  }

  get device(): Device {
    return this.#options.device;
  }

  /** Steps that were made, before too. */
  get steps(): number {
    return this.#steps;
  }

  /** The log-probabilities of a batch under the policy, to be differentiated. Within a scope. */
  recorded({ tokens, places, targets }: SequenceBatch, temperature: number): RecordedTokens {
    const compute = this.#options.bf16 ? 'bfloat16' : undefined;
    const { hidden, backward } = this.#options.gradientCheckpointing
      ? this.model.hiddenCheckpointed(tokens, compute)
      : { hidden: this.#within(() => this.model.hidden(tokens)), backward: () => undefined };
    const rows = chosen(hidden, places);
    const made = this.#within(() =>
      tokenLogProbabilitiesAndEntropies(rows, this.model.head, targets, { temperature }),
    );
    return {
      ...made,
      backward: (loss) => {
        loss.backward();
        backward();
      },
    };
  }

  /**
   * The log-probability of each token of the completions, in nats, under the policy as it is now, at a temperature above 0; not
   * recorded. Shape: (N) of float32, in the order of the batch's `targets`.
   */
  logProbabilities(batch: SequenceBatch, temperature: number): Tensor {
    return this.#unrecorded(this.model, batch, temperature);
  }

  /**
   * The same under the policy that training began with: with LoRA the model without its adapter. Throws `USAGE` where there is
   * neither an adapter nor a reference that was kept.
   */
  referenceLogProbabilities(batch: SequenceBatch, temperature: number): Tensor {
    if (!this.lora) {
      if (this.#reference) return this.#unrecorded(this.#reference, batch, temperature);
      throw new QuernError('USAGE', 'the model keeps no policy that it began with, which a KL term asks', {
        hint: 'Open it with keepsReference, or set beta to 0',
      });
    }
    this.model.adapt(new Map());
    try {
      return this.#unrecorded(this.model, batch, temperature);
    } finally {
      this.model.adapt(this.lora.pairs);
    }
  }

  /**
   * One step of AdamW by the gradients that are there, which are scaled to a norm of at most `mostNorm` and then forgotten. Returns
   * their norm before; where that is no finite number nothing is changed.
   */
  step(learningRate: number, mostNorm: number): number {
    const norm = clipGradNorm([...this.#trained.values()], mostNorm);
    if (Number.isFinite(norm)) {
      for (const optimizer of this.#optimizers) {
        optimizer.learningRate = learningRate;
        optimizer.step();
      }
      this.#steps++;
      this.#follow();
    }
    this.forgetGradients();
    return norm;
  }

  forgetGradients(): void {
    for (const optimizer of this.#optimizers) optimizer.zeroGrad();
  }

  /**
   * Writes into a new folder what training goes on from: the model in float32 (with LoRA the adapter as PEFT writes it), with the
   * tokenizer, and the optimiser's moments. Throws `DISK_FULL`, `IO`, and `BAD_INPUT` for weights that are no finite numbers.
   */
  async save(folder: string, { base, signal }: { base: string; signal?: AbortSignal }): Promise<void> {
    if (this.lora) {
      await mkdir(folder);
      await this.lora.save(folder, { base, signal });
    } else {
      await saveModel(this.model, folder, { from: this.#options.folder, dtype: 'float32', signal });
    }
    const moments = new Map(
      this.#moments().flatMap(({ name, shape, optimizer, index }) => {
        if (!optimizer.state(index)) beginState(optimizer, index, shape, this.#options.device);
        const { mean, square, step } = optimizer.state(index) as AdamWState;
        return [
          [`mean.${name}`, mean] as const,
          [`square.${name}`, square] as const,
          [`step.${name}`, step] as const,
        ];
      }),
    );
    await writeTensorFile(join(folder, optimizerFile), moments, { dtype: 'F32', signal });
  }

  /** Frees all that it holds. */
  close(): void {
    for (const optimizer of this.#optimizers) optimizer.dispose();
    if (this.#sampler !== this.model) this.#sampler.close();
    this.#reference?.close();
    this.lora?.dispose();
    this.model.close();
  }

  async #restore(from: string): Promise<void> {
    const moments = this.#moments();
    const wanted = new Map(
      moments.flatMap(({ name, shape }) => [
        [`mean.${name}`, shape] as const,
        [`square.${name}`, shape] as const,
        [`step.${name}`, []] as const,
      ]),
    );
    const path = join(from, optimizerFile);
    const { device } = this.#options;
    const found = await readTensorFile(path, wanted, { dtype: 'float32', device });
    for (const { name, optimizer, index } of moments) {
      const part = (which: string): Tensor => found.get(`${which}.${name}`) as Tensor;
      optimizer.setState(index, { mean: part('mean'), square: part('square'), step: part('step') });
    }
    for (const tensor of found.values()) tensor.dispose();
  }

  /** Where the optimisers keep what they know of each tensor. */
  #moments(): { name: string; shape: readonly number[]; optimizer: AdamW; index: number }[] {
    return Array.from(this.#trained, ([name, tensor]) => {
      const optimizer = this.#optimizers.find(({ parameters }) => parameters.includes(tensor)) as AdamW;
      return { name, shape: tensor.shape, optimizer, index: optimizer.parameters.indexOf(tensor) };
    });
  }

  #within<T>(work: () => T): T {
    return this.#options.bf16 ? autocast('bfloat16', work, this.#options.device) : work();
  }

  #unrecorded(model: Qwen2Model, { tokens, places, targets }: SequenceBatch, temperature: number): Tensor {
    return scope(() =>
      noGrad(() =>
        this.#within(() => {
          const rows = chosen(model.hidden(tokens), places);
          return tokenLogProbabilitiesAndEntropies(rows, model.head, targets, { temperature })
            .logProbabilities;
        }),
      ),
    );
  }

  /** A model of its own where that is faster than the trained one as it is. */
  #newSampler(): Qwen2Model {
    const { bf16, device } = this.#options;
    const { config } = this.model;
    const isAdapted = this.lora !== undefined;
    if (!drawsFromCopy({ model: config, device, bf16, isAdapted })) return this.model;
    const dtype = bf16 ? 'bfloat16' : 'float32';
    const weights = scope(
      () =>
        new Map(
          Array.from(this.model.weights, ([name, weight]) => {
            // What is never changed, or is used as it is, needs no copy.
            const isOwn = this.lora ? this.#adapterOf(name) : isCopied(name);
            if (weight.dtype === dtype && !isOwn) return [name, weight.detach()] as const;
            return [name, weight.detach().to(dtype).clone()] as const;
          }),
        ),
    );
    return new Qwen2Model(config, weights, { dtype, device }).join();
  }

  /** Has the sampler be as the policy is now. */
  #follow(): void {
    if (this.#sampler === this.model) return;
    scope(() =>
      noGrad(() => {
        for (const [name, weight] of this.model.weights) {
          const adapter = this.#adapterOf(name);
          const copy = this.#sampler.weights.get(name) as Tensor;
          if (this.lora ? !adapter : !isCopied(name) && copy.dtype === weight.dtype) continue;
          copy.copy_(adapter ? mergedMatrix(weight, adapter) : weight);
        }
      }),
    );
  }

  #adapterOf(name: string): LinearAdapter | undefined {
    return this.lora?.pairs.get(name.replace(/\.weight$/, ''));
  }
}

/** The hidden states at some places. Shape: (B, T, hidden), (N) → (N, hidden). */
function chosen(hidden: Tensor, places: Tensor): Tensor {
  return hidden.reshape([-1, hidden.size(-1)]).indexSelect(0, places);
}

/** Has an optimiser know of a tensor that no step has changed yet (no group had anything to teach) what the first step begins with. */
function beginState(optimizer: AdamW, index: number, shape: readonly number[], device: Device): void {
  scope(() =>
    optimizer.setState(index, {
      mean: zeros(shape, { device }),
      square: zeros(shape, { device }),
      step: zeros([], { device }),
    }),
  );
}
