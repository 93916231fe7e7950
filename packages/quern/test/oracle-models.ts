import { join } from 'node:path';
import { writeTinyAdapter, type TinyAdapterOptions } from './tiny-adapter.ts';
import { writeTinyCheckpoint, type TinyCheckpointOptions } from './tiny-checkpoint.ts';

/** A tiny model whose log-probabilities were computed by PyTorch too, with its LoRA adapter where it has one. */
export interface OracleModel {
  readonly checkpoint: TinyCheckpointOptions;
  readonly adapter?: TinyAdapterOptions;
}

/** The models of `golden/models/log-probabilities.json` by name. */
export const oracleModels: Readonly<Record<string, OracleModel>> = {
  tied: { checkpoint: { seed: 11, padding: 20 } },
  untied: { checkpoint: { seed: 12, tied: false, dtype: 'F32', shards: 3 } },
  half: { checkpoint: { seed: 13, dtype: 'F16', layers: 1, heads: 8, keyValueHeads: 1 } },
  yarn: {
    checkpoint: {
      seed: 14,
      config: {
        max_position_embeddings: 128,
        rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 32 },
      },
    },
  },
  linear: { checkpoint: { seed: 15, config: { rope_scaling: { type: 'linear', factor: 2 } } } },
  adapted: { checkpoint: { seed: 16 }, adapter: { seed: 17 } },
  stabilized: { checkpoint: { seed: 18 }, adapter: { seed: 19, rank: 8, alpha: 4, rankStabilized: true } },
};

/** Writes the model's checkpoint to `folder/checkpoint`, its adapter to `folder/adapter`. */
export async function writeOracleModel(folder: string, { checkpoint, adapter }: OracleModel): Promise<void> {
  await writeTinyCheckpoint(join(folder, 'checkpoint'), checkpoint);
  if (adapter) await writeTinyAdapter(join(folder, 'adapter'), adapter);
}
