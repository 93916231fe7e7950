/** What training begins with: a checkpoint, a tiny one that the run makes, or an adapter that it merges into its checkpoint. */
import { resolve } from 'node:path';
import { pathKindIfAny } from '../collections/files.ts';
import { QuernError } from '../errors.ts';
import {
  checkpointParts,
  mergedModelFolder,
  tinyModelFolder,
  tinyModelName,
  type CheckpointParts,
} from '../models/checkpoint-parts.ts';
import { Qwen2Model } from '../models/torch/qwen2-model.ts';
import { saveModel } from '../models/torch/save-model.ts';
import type { OnWork } from '../work.ts';
import type { TrainConfig } from './configuration/train-config.ts';
import { writeTinyModel } from './tiny-model.ts';

/** What a run is begun with, or taken up. */
export interface StartingOptions {
  readonly resume?: boolean;
  readonly onWork?: OnWork;
  readonly signal?: AbortSignal;
}

/** What is loaded. */
export interface StartingCheckpoint {
  readonly folder: string;
  /** What adapters that change it name it. */
  readonly name: string;
}

/**
 * The checkpoint, and the adapter where it is one, that a configuration names; the tiny model is made in the run's folder, unless
 * it is there. A run that is taken up has what it merged when it was begun, whatever has become of the adapter since, and throws
 * `NOT_FOUND` where that is gone. Throws what finding a checkpoint throws.
 */
export async function startingParts(
  { model_name_or_path: named, output_dir: run, seed }: TrainConfig,
  { resume = false, ...options }: StartingOptions,
): Promise<CheckpointParts> {
  if (named === tinyModelName) {
    const folder = tinyModelFolder(run);
    await writeTinyModel(folder, seed);
    return { folder, adapters: [] };
  }
  const merged = mergedModelFolder(run);
  if (resume && (await pathKindIfAny(merged))) return { folder: merged, adapters: [] };
  const parts = await checkpointParts(named, options);
  if (!resume || parts.adapters.length === 0) return parts;
  throw new QuernError('NOT_FOUND', 'the model that the run was begun with is not there', {
    where: merged,
    hint: 'Put it back, or begin a new run',
  });
}

/**
 * The checkpoint of these parts. An adapter is merged into its own, in float32, and that is written into the run's folder, whole or
 * not at all. Throws what loading and saving a model throw.
 */
export async function startingCheckpoint(
  parts: CheckpointParts,
  { model_name_or_path: named, output_dir: run }: TrainConfig,
  { onWork, signal }: StartingOptions,
): Promise<StartingCheckpoint> {
  const { folder, adapters } = parts;
  const merged = mergedModelFolder(run);
  if (adapters.length === 0) return { folder, name: folder === merged ? resolve(merged) : named };
  const model = await Qwen2Model.load(parts, { signal, onWork });
  try {
    await saveModel(model, merged, { from: folder, dtype: 'float32', signal });
  } finally {
    model.close();
  }
  return { folder: merged, name: resolve(merged) };
}
