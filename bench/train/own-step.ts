/** Steps of GRPO by Quern on a model of random weights: how long each phase takes, and how much memory. */
import { readFileSync } from 'node:fs';
import {
  Generator,
  memory,
  ones,
  randn,
  resetPeakMemory,
  scope,
  setNumThreads,
  synchronize,
  zeros,
  type Device,
  type Tensor,
} from '@quern/libtorch';
import { grpoUpdate, TrainedModel, type Group } from 'quern/train';
import { Qwen2Model, TokenGenerator, type Qwen2Config } from 'quern/torch';

/** What is measured. */
export interface StepTask {
  readonly config: Qwen2Config;
  /** A checkpoint's folder; without one, random weights of `config`. */
  readonly folder?: string;
  readonly device: Device;
  readonly bf16: boolean;
  readonly threads?: number;
  /** Token ids of each prompt. */
  readonly prompts: readonly (readonly number[])[];
  readonly completions: number;
  readonly newTokens: number;
  readonly rows: number;
  readonly beta: number;
  readonly gradientCheckpointing: boolean;
  readonly tokensPerMicroBatch: number;
  readonly lora?: { readonly rank: number; readonly alpha: number; readonly targets: readonly string[] };
  /** Steps that are timed, after one that is not. */
  readonly steps: number;
}

/** Of one step. */
export interface StepTimes {
  readonly rolloutSeconds: number;
  readonly updateSeconds: number;
  readonly tokens: number;
}

export interface StepResult {
  readonly steps: readonly StepTimes[];
  /** The most memory of the process, or of the GPU. */
  readonly peakBytes: number;
  /** What the process had taken before anything was loaded but the programs; 0 of a GPU. */
  readonly beforeBytes: number;
}

/** Runs the steps in this process. */
export async function ownSteps(task: StepTask): Promise<StepResult> {
  const { device, bf16, prompts, completions, newTokens, rows, beta, steps, lora } = task;
  if (task.threads !== undefined) setNumThreads(task.threads);
  const beforeBytes = device === 'cpu' ? process.memoryUsage.rss() : 0;
  const { gradientCheckpointing, tokensPerMicroBatch } = task;
  const options = {
    folder: task.folder ?? '',
    device,
    bf16,
    seed: 1,
    optimizer: { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 },
    keepsReference: beta !== 0,
    samples: true,
    gradientCheckpointing,
    lora,
  };
  const trained = task.folder === undefined ? madeUp(task, options) : await TrainedModel.open(options);
  const wait = (): void => {
    if (device !== 'cpu') synchronize(device);
  };
  wait();
  resetPeakMemory();
  const times: StepTimes[] = [];
  for (let step = 0; step <= steps; step++) {
    const begun = performance.now();
    // No token ends a completion: all have the same length.
    const generator = new TokenGenerator(trained.sampler, {
      sampling: { maxTokens: newTokens },
      endTokens: [],
      rows,
    });
    const drawn = await Promise.all(
      prompts.map((prompt, p) =>
        generator.generate({
          prompt,
          seeds: Array.from({ length: completions }, (_, i) => step * 1_000_003 + p * 1009 + i),
        }),
      ),
    );
    const { work } = generator;
    await generator.close();
    wait();
    const rolled = performance.now();
    const groups: Group[] = drawn.map((each, p) => ({
      prompt: prompts[p],
      completions: each.map(({ tokens, drawnLogProbabilities }) => ({
        tokens,
        drawnLogProbabilities,
        isTruncated: true,
        reward: tokens.filter((token) => token % 2 === 0).length / tokens.length,
      })),
    }));
    const found = await grpoUpdate(
      trained,
      groups,
      {
        scaleRewards: 'group',
        lossType: 'dapo',
        epsilon: 0.2,
        epsilonHigh: 0.2,
        beta,
        samplingCap: 2,
        temperature: 1,
        maxCompletionLength: newTokens,
        masksTruncated: false,
        iterations: 1,
        stepsPerIteration: 1,
        tokensPerMicroBatch,
        maxGradientNorm: 0.1,
        seed: step,
      },
      () => 1e-6,
    );
    wait();
    const ended = performance.now();
    const tokens = drawn.flat().reduce((sum, each) => sum + each.tokens.length, 0);
    if (step > 0) {
      times.push({ rolloutSeconds: (rolled - begun) / 1000, updateSeconds: (ended - rolled) / 1000, tokens });
    }
    console.error(
      `step ${step}: rollout ${((rolled - begun) / 1000).toFixed(2)} s (${work.steps} steps), update ` +
        `${((ended - rolled) / 1000).toFixed(2)} s, kl ${found.kl?.toFixed(5)}, entropy ${found.entropy.toFixed(3)}, ` +
        `difference ${found.samplingDifference.mean.toFixed(5)} max ${found.samplingDifference.max.toFixed(4)}, ` +
        `norm ${found.gradientNorm.toFixed(4)}, device ${(memory().devicePeakBytes / 1e9).toFixed(1)} GB, ` +
        `flat ${found.skippedGroups}`,
    );
  }
  const peakBytes = device === 'cpu' ? peakResident() : memory().devicePeakBytes;
  trained.close();
  return { steps: times, peakBytes, beforeBytes };
}

function madeUp(
  { config, device, beta, bf16, lora }: StepTask,
  options: Parameters<typeof TrainedModel.of>[0],
): TrainedModel {
  if (lora) throw new Error('LoRA needs a folder here');
  const model = randomModel(config, device, true);
  const reference = beta === 0 ? undefined : copyOf(model, bf16 ? 'bfloat16' : 'float32');
  return TrainedModel.of(options, { model, reference });
}

/** Random weights, made on the device itself. */
function randomModel(config: Qwen2Config, device: Device, isTrained: boolean): Qwen2Model {
  const generator = new Generator(1, device);
  const { hiddenSize, layers, heads, keyValueHeads, intermediateSize, vocabularySize } = config;
  const keyValueSize = (hiddenSize / heads) * keyValueHeads;
  const weights = new Map<string, Tensor>();
  const add = (name: string, make: () => Tensor): void => {
    const made = scope(() => make().keep());
    weights.set(name, isTrained ? made.requiresGrad_() : made);
  };
  const matrix = (name: string, ...shape: number[]): void =>
    add(name, () => randn(shape, { device, generator }).mul_(0.02));
  add('model.embed_tokens.weight', () =>
    randn([vocabularySize, hiddenSize], { device, generator }).mul_(0.02),
  );
  for (let i = 0; i < layers; i++) {
    const at = `model.layers.${i}.`;
    add(`${at}input_layernorm.weight`, () => ones([hiddenSize], { device }));
    for (const [name, size] of [
      ['q', hiddenSize],
      ['k', keyValueSize],
      ['v', keyValueSize],
    ] as const) {
      matrix(`${at}self_attn.${name}_proj.weight`, size, hiddenSize);
      add(`${at}self_attn.${name}_proj.bias`, () => zeros([size], { device }));
    }
    matrix(`${at}self_attn.o_proj.weight`, hiddenSize, hiddenSize);
    add(`${at}post_attention_layernorm.weight`, () => ones([hiddenSize], { device }));
    matrix(`${at}mlp.gate_proj.weight`, intermediateSize, hiddenSize);
    matrix(`${at}mlp.up_proj.weight`, intermediateSize, hiddenSize);
    matrix(`${at}mlp.down_proj.weight`, hiddenSize, intermediateSize);
  }
  add('model.norm.weight', () => ones([hiddenSize], { device }));
  return new Qwen2Model(config, weights, { dtype: 'float32', device, stream: 'float32' });
}

/** A frozen copy; matrices in `dtype`. */
function copyOf(model: Qwen2Model, dtype: 'float32' | 'bfloat16'): Qwen2Model {
  const weights = new Map(
    Array.from(model.weights, ([name, weight]) => [
      name,
      scope(() =>
        weight
          .detach()
          .to(weight.dim > 1 ? dtype : 'float32')
          .clone()
          .keep(),
      ),
    ]),
  );
  return new Qwen2Model(model.config, weights, { ...model.placement, dtype });
}

/** The most memory that this process had, in bytes. */
function peakResident(): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
