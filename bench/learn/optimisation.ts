/** Steps of an optimiser that do not wait for the device, and their state as a file. */
import { join } from 'node:path';
import { AdamW, autocast, fromBytes, noGrad, scope, stack, type Tensor } from '@quern/libtorch';
import { SafetensorsFile, writeSafetensors, type NewTensor } from 'quern';
import type { Qwen2Model } from 'quern/torch';

export interface OptimiserSettings {
  /** The highest. */
  readonly learningRate: number;
  /** Steps in all. */
  readonly steps: number;
  /** Share of the steps in which the rate rises. */
  readonly warmup: number;
  /** What the rate falls to, as a share of the highest, along a cosine. */
  readonly least: number;
  readonly weightDecay: number;
  readonly betas: readonly [number, number];
  /** Gradients whose norm is beyond are scaled down. */
  readonly mostNorm: number;
}

export function learningRateAt(
  step: number,
  { learningRate, steps, warmup, least }: OptimiserSettings,
): number {
  const rising = Math.max(1, Math.round(warmup * steps));
  if (step < rising) return (learningRate * (step + 1)) / rising;
  const share = (step - rising) / Math.max(1, steps - rising);
  return learningRate * (least + ((1 - least) * (1 + Math.cos(Math.PI * Math.min(1, share)))) / 2);
}

const fileName = 'optimizer.safetensors';

/** AdamW; weights of norms and biases do not decay. */
export class Optimiser {
  readonly #settings: OptimiserSettings;
  readonly #names: readonly string[];
  readonly #parameters: readonly Tensor[];
  readonly #parts: readonly AdamW[];
  /** Of the last step, on the device. */
  #norm: Tensor | undefined;

  constructor({ weights }: Qwen2Model, settings: OptimiserSettings) {
    this.#settings = settings;
    const { betas, weightDecay } = settings;
    const decays = [...weights].filter(([, { dim }]) => dim > 1);
    const others = [...weights].filter(([, { dim }]) => dim <= 1);
    this.#names = [...decays, ...others].map(([name]) => name);
    this.#parameters = [...decays, ...others].map(([, weight]) => weight);
    this.#parts = [
      new AdamW(
        decays.map(([, weight]) => weight),
        { betas, weightDecay },
      ),
      new AdamW(
        others.map(([, weight]) => weight),
        { betas, weightDecay: 0 },
      ),
    ];
  }

  /** Changes the weights by the gradients of what `lossOf` gives, in the loss's own type where that is no bfloat16. */
  step(at: number, lossOf: () => Tensor): Tensor {
    return scope(() => {
      const loss = lossOf();
      for (const part of this.#parts) part.zeroGrad();
      loss.backward();
      this.#clip();
      for (const part of this.#parts) {
        part.learningRate = learningRateAt(at, this.#settings);
        part.step();
      }
      for (const part of this.#parts) part.zeroGrad();
      return loss.detach();
    });
  }

  /** The norm of the last step's gradients before they were clipped; waits for the device. */
  get norm(): number {
    return this.#norm?.item() ?? 0;
  }

  async save(folder: string): Promise<void> {
    const tensors: NewTensor[] = [];
    for (const [i, name] of this.#names.entries()) {
      const state = this.#state(i);
      if (!state) continue;
      for (const part of ['step', 'mean', 'square'] as const) {
        const { shape } = state[part];
        const bytes = scope(() => state[part].to('cpu').bytes());
        tensors.push({ name: `${name}.${part}`, dtype: 'F32', shape, data: bytes });
      }
    }
    await writeSafetensors(join(folder, fileName), tensors);
  }

  async load(folder: string): Promise<void> {
    const file = await SafetensorsFile.open(join(folder, fileName));
    try {
      const read = async (name: string): Promise<Tensor> => {
        const found = file.tensors.get(name);
        if (!found) throw new Error(`${file.path} has no ${name}`);
        const bytes = new Uint8Array(found.bytes);
        await file.read(found, 0, bytes);
        return fromBytes(bytes, found.shape, 'float32');
      };
      for (const [i, name] of this.#names.entries()) {
        const state = {
          step: await read(`${name}.step`),
          mean: await read(`${name}.mean`),
          square: await read(`${name}.square`),
        };
        const [part, at] = this.#place(i);
        part.setState(at, state);
        for (const tensor of Object.values(state)) tensor.dispose();
      }
    } finally {
      await file.close();
    }
  }

  dispose(): void {
    for (const part of this.#parts) part.dispose();
    this.#norm?.dispose();
  }

  /** As PyTorch's clip_grad_norm_, but that the norm stays on the device. */
  #clip(): void {
    noGrad(() => {
      const gradients = this.#parameters.flatMap(({ grad }) => (grad ? [grad] : []));
      const norm = stack(gradients.map((gradient) => gradient.norm())).norm();
      const scale = norm.add(1e-6).pow(-1).mul(this.#settings.mostNorm).clamp(undefined, 1);
      for (const gradient of gradients) gradient.mul_(scale);
      this.#norm?.dispose();
      this.#norm = norm.keep();
    });
  }

  #place(index: number): [AdamW, number] {
    const first = this.#parts[0].parameters.length;
    return index < first ? [this.#parts[0], index] : [this.#parts[1], index - first];
  }

  #state(index: number): ReturnType<AdamW['state']> {
    const [part, at] = this.#place(index);
    return part.state(at);
  }
}

/** What `work` returns, computed in bfloat16 on a GPU, with weights in float32. */
export function inMixedPrecision<T>(device: string, work: () => T): T {
  return device === 'cpu' ? work() : autocast('bfloat16', work, device);
}
