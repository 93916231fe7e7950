import { join } from 'node:path';
import { Qwen2Model } from '../src/models/torch/qwen2-model.ts';
import { saveModel, type SaveModelOptions } from '../src/models/torch/save-model.ts';
import { oracleModels, writeOracleModel } from './oracle-models.ts';

/** A model that was saved, and what transformers finds in its folder. */
export interface SavedModel {
  /** Of {@link oracleModels}: what it was loaded from, in binary32. */
  readonly of: string;
  /** Undefined: what a model is saved in by default. */
  readonly dtype?: SaveModelOptions['dtype'];
  readonly shardBytes?: number;
  /** Whether it is saved without the folder that it was loaded from: no tokenizer, and a `config.json` of its own. */
  readonly isApart?: boolean;
}

/** The models of `golden/models/saved.json` by name. The weights of `untied` are of binary32: saving rounds them. */
export const savedModels: Readonly<Record<string, SavedModel>> = {
  plain: { of: 'untied' },
  sharded: { of: 'untied', dtype: 'float16', shardBytes: 60_000 },
  apart: { of: 'yarn', dtype: 'float32', isApart: true },
};

/** Saves the model to `folder`, which is not there yet; what it is loaded from is written to `beside`. */
export async function writeSavedModel(folder: string, beside: string, saved: SavedModel): Promise<void> {
  const { of, dtype, shardBytes, isApart } = saved;
  await writeOracleModel(beside, oracleModels[of]);
  const from = join(beside, 'checkpoint');
  const model = await Qwen2Model.load(from);
  await saveModel(model, folder, { from: isApart ? undefined : from, dtype, shardBytes });
  model.close();
}
