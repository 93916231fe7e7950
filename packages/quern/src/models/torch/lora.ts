/** Low-rank changes of a model's matrices that are trained in their place (LoRA, Hu et al. 2021), in PEFT's folders. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Generator, rand, scope, zeros, type Device, type Tensor } from '@quern/libtorch';
import { QuernError } from '../../errors.ts';
import type { Qwen2Config } from '../checkpoint/qwen2-config.ts';
import { layerMatrices, qwen2Tensors } from '../checkpoint/qwen2-tensors.ts';
import type { LinearAdapter } from './qwen2-layer.ts';
import { readTensorFile, writeTensorFile } from './tensor-file.ts';
import type { WeightMap } from './weight-map.ts';

/** What is changed, and how far it can be. */
export interface LoraSettings {
  /** The rank r of a change. */
  readonly rank: number;
  /** Changes are scaled by alpha / rank. */
  readonly alpha: number;
  /** Names of matrices in a layer, as `q_proj`; `all-linear`: all seven. */
  readonly targets: readonly string[];
}

/** The pairs of matrices of one adapter, which are float32 and trained. */
export class LoraWeights {
  readonly settings: LoraSettings;
  /** By the names of the matrices that they change, without `.weight`. */
  readonly pairs: ReadonlyMap<string, LinearAdapter>;

  private constructor(settings: LoraSettings, pairs: ReadonlyMap<string, LinearAdapter>) {
    this.settings = settings;
    this.pairs = pairs;
  }

  /** An adapter that changes nothing yet: A uniform within 1 / sqrt(in), B of zeros (as PEFT begins). Throws `USAGE`. */
  static begun(
    config: Qwen2Config,
    settings: LoraSettings,
    { seed, device }: { readonly seed: number; readonly device: Device },
  ): LoraWeights {
    const generator = new Generator(seed);
    const pairs = scope(
      () =>
        new Map(
          Array.from(pairShapes(config, settings), ([name, { a, b }]) => {
            const bound = 1 / Math.sqrt(a[1]);
            return [
              name,
              {
                a: rand(a, { generator })
                  .mul(2 * bound)
                  .sub(bound)
                  .to({ device })
                  .detach()
                  .requiresGrad_(),
                b: zeros(b, { device }).requiresGrad_(),
                scale: settings.alpha / settings.rank,
              },
            ] as const;
          }),
        ),
    );
    return new LoraWeights(settings, pairs);
  }

  /** The adapter in a folder that {@link save} wrote. Throws `NOT_FOUND` and `CORRUPT_FILE`. */
  static async load(
    folder: string,
    config: Qwen2Config,
    settings: LoraSettings,
    device: Device,
  ): Promise<LoraWeights> {
    const wanted = new Map<string, readonly number[]>();
    const shapes = pairShapes(config, settings);
    for (const [name, { a, b }] of shapes) {
      wanted.set(tensorName(name, 'A'), a);
      wanted.set(tensorName(name, 'B'), b);
    }
    const path = join(folder, adapterFile);
    const found = await readTensorFile(path, wanted, { dtype: 'float32', device });
    const scale = settings.alpha / settings.rank;
    const pairs = Array.from(shapes.keys(), (name) => {
      const side = (which: 'A' | 'B'): Tensor =>
        (found.get(tensorName(name, which)) as Tensor).requiresGrad_();
      return [name, { a: side('A'), b: side('B'), scale }] as const;
    });
    return new LoraWeights(settings, new Map(pairs));
  }

  /** By PEFT's names. */
  get weights(): WeightMap {
    return new Map(
      Array.from(this.pairs).flatMap(([name, { a, b }]) => [
        [tensorName(name, 'A'), a] as const,
        [tensorName(name, 'B'), b] as const,
      ]),
    );
  }

  /** Writes PEFT's `adapter_config.json` and `adapter_model.safetensors` into a folder. Throws `IO` and `DISK_FULL`. */
  async save(folder: string, { base, signal }: { base: string; signal?: AbortSignal }): Promise<void> {
    const { rank, alpha, targets } = this.settings;
    await mkdir(folder, { recursive: true });
    const config = {
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      base_model_name_or_path: base,
      r: rank,
      lora_alpha: alpha,
      lora_dropout: 0,
      bias: 'none',
      fan_in_fan_out: false,
      inference_mode: true,
      target_modules: targetNames(targets),
    };
    await writeFile(join(folder, 'adapter_config.json'), `${JSON.stringify(config, null, 2)}\n`);
    await writeTensorFile(join(folder, adapterFile), this.weights, { dtype: 'F32', signal });
  }

  dispose(): void {
    for (const { a, b } of this.pairs.values()) {
      a.dispose();
      b.dispose();
    }
  }
}

const adapterFile = 'adapter_model.safetensors';

/** W + scale · B A, in the matrix's type. Shape: as `weight`. */
export function mergedMatrix(weight: Tensor, { a, b, scale }: LinearAdapter): Tensor {
  return scope(() => weight.to('float32').add(b.matmul(a).mul(scale)).to(weight.dtype));
}

function tensorName(matrix: string, side: 'A' | 'B'): string {
  return `base_model.model.${matrix}.lora_${side}.weight`;
}

function targetNames(targets: readonly string[]): string[] {
  const known = Array.from(layerMatrices.keys(), (path) => path.slice(path.indexOf('.') + 1));
  if (targets.length === 1 && targets[0] === 'all-linear') return known;
  const other = targets.find((target) => !known.includes(target));
  if (targets.length > 0 && other === undefined) return known.filter((name) => targets.includes(name));
  throw new QuernError('USAGE', `${JSON.stringify(other ?? '')} is no matrix of a layer`, {
    where: 'lora_target_modules',
    hint: `They are all-linear, or some of ${known.join(', ')}`,
  });
}

/** The shapes of the pairs by the matrices' names: a (rank, in), b (out, rank). */
export function pairShapes(
  config: Qwen2Config,
  { rank, targets }: LoraSettings,
): ReadonlyMap<string, { readonly a: readonly number[]; readonly b: readonly number[] }> {
  const wanted = new Set(targetNames(targets));
  const shapes = new Map<string, { a: readonly number[]; b: readonly number[] }>();
  for (const { name, shape } of qwen2Tensors(config)) {
    const [, module] = /^(model\.layers\.\d+\.\w+\.(?:\w+))\.weight$/.exec(name) ?? [];
    if (module === undefined || !wanted.has(module.slice(module.lastIndexOf('.') + 1))) continue;
    shapes.set(module, { a: [rank, shape[1]], b: [shape[0], rank] });
  }
  return shapes;
}
