import { join } from 'node:path';
import { Generator, noGrad, rand, scope } from '@quern/libtorch';
import { Checkpoint } from '../src/models/checkpoint/checkpoint.ts';
import type { Qwen2Config } from '../src/models/checkpoint/qwen2-config.ts';
import { LoraWeights, type LoraSettings } from '../src/models/torch/lora.ts';
import { writeTinyCheckpoint, type TinyCheckpointOptions } from './tiny-checkpoint.ts';

/** An adapter as training saves it, and what it changes. */
export interface SavedAdapter {
  readonly checkpoint: TinyCheckpointOptions;
  readonly settings: LoraSettings;
}

/** The adapters of `golden/models/lora.json` by name. */
export const savedAdapters: Readonly<Record<string, SavedAdapter>> = {
  all: { checkpoint: { seed: 21, dtype: 'F32' }, settings: { rank: 4, alpha: 8, targets: ['all-linear'] } },
  some: {
    checkpoint: { seed: 22, tied: false, layers: 3 },
    settings: { rank: 3, alpha: 5, targets: ['v_proj', 'q_proj', 'down_proj'] },
  },
};

/** An adapter of these settings that changes much. The processor's generator gives the same numbers on every machine. */
export function trainedAdapter(config: Qwen2Config, settings: LoraSettings): LoraWeights {
  const adapter = LoraWeights.begun(config, settings, { seed: 7, device: 'cpu' });
  scope(() =>
    noGrad(() => {
      const generator = new Generator(8);
      for (const { b } of adapter.pairs.values()) b.copy_(rand(b.shape, { generator }).sub(0.5).mul(0.5));
    }),
  );
  return adapter;
}

/** Writes the checkpoint to `folder/checkpoint`, the adapter to `folder/adapter`. */
export async function writeSavedAdapter(
  folder: string,
  { checkpoint, settings }: SavedAdapter,
): Promise<void> {
  const at = join(folder, 'checkpoint');
  await writeTinyCheckpoint(at, checkpoint);
  const base = await Checkpoint.open(at);
  await base.close();
  const adapter = trainedAdapter(base.config, settings);
  await adapter.save(join(folder, 'adapter'), { base: 'tiny' });
  adapter.dispose();
}
