import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeSafetensors, type NewTensor } from '../src/models/checkpoint/safetensors.ts';
import { randomNumbers } from './random-numbers.ts';

/** Options of {@link writeTinyAdapter}. */
export interface TinyAdapterOptions {
  /** Default 1. */
  readonly seed?: number;
  /** Default 4. */
  readonly rank?: number;
  /** Default 8. */
  readonly alpha?: number;
  readonly rankStabilized?: boolean;
  /** Replaces or adds fields of `adapter_config.json`. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** The matrices that an adapter changes, with rows and columns in the default tiny checkpoint. */
const targets: readonly (readonly [module: string, rows: number, columns: number])[] = [
  ['self_attn.q_proj', 64, 64],
  ['self_attn.k_proj', 32, 64],
  ['self_attn.v_proj', 32, 64],
  ['self_attn.o_proj', 64, 64],
  ['mlp.gate_proj', 128, 64],
  ['mlp.up_proj', 128, 64],
  ['mlp.down_proj', 64, 128],
];

/** Writes the folder of a random LoRA adapter, as PEFT does, for a tiny checkpoint of the default sizes. */
export async function writeTinyAdapter(folder: string, options: TinyAdapterOptions = {}): Promise<void> {
  const { seed = 1, rank = 4, alpha = 8 } = options;
  const config = {
    alpha_pattern: {},
    base_model_name_or_path: 'tiny',
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: alpha,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: 'LORA',
    r: rank,
    rank_pattern: {},
    target_modules: targets.map(([module]) => module.split('.')[1]),
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: options.rankStabilized ?? false,
    ...options.config,
  };
  const random = randomNumbers(seed);
  const tensors = [0, 1].flatMap((layer) =>
    targets.flatMap(([module, rows, columns]) => {
      const tensor = (side: 'A' | 'B', shape: [number, number]): NewTensor => ({
        name: `base_model.model.model.layers.${layer}.${module}.lora_${side}.weight`,
        dtype: 'F32',
        shape,
        data: Float32Array.from({ length: shape[0] * shape[1] }, () => 0.15 * random.normal()),
      });
      return [tensor('A', [rank, columns]), tensor('B', [rows, rank])];
    }),
  );
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'adapter_config.json'), JSON.stringify(config, null, 2));
  await writeSafetensors(join(folder, 'adapter_model.safetensors'), tensors, { format: 'pt' });
}
