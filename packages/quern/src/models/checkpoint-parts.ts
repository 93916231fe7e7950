/** A checkpoint, or an adapter (as training with LoRA writes it) with the checkpoint that it changes. */
import { basename, dirname, join, resolve } from 'node:path';
import { firstFile, pathKindIfAny } from '../collections/files.ts';
import { QuernError } from '../errors.ts';
import { Checkpoint } from './checkpoint/checkpoint.ts';
import { readJsonObject } from './checkpoint/json-file.ts';
import { LoraAdapter } from './checkpoint/lora-adapter.ts';
import { checkpointFolder, type ModelFolderOptions } from './checkpoint-folder.ts';

/** What a model is made of. */
export interface CheckpointParts {
  /** The folder of the checkpoint: its configuration, weights and tokenizer. */
  readonly folder: string;
  /** Folders of LoRA adapters that are added to its weights. */
  readonly adapters: readonly string[];
}

/** What a run names the model of random weights that it makes itself. */
export const tinyModelName = 'random:tiny';

/** Where a run keeps it. */
export function tinyModelFolder(run: string): string {
  return join(run, 'random-tiny');
}

/** Where a run keeps the model that it begins with when that is an adapter: merged into its checkpoint. */
export function mergedModelFolder(run: string): string {
  return join(run, 'merged-model');
}

/** {@link partsIn} the folder that a string names, a path or a hub id. Throws what {@link checkpointFolder} throws, too. */
export async function checkpointParts(
  named: string,
  options: ModelFolderOptions = {},
): Promise<CheckpointParts> {
  return partsIn(await checkpointFolder(named, options), options);
}

/**
 * What is in a folder. Where that is an adapter alone, its base is what `base_model_name_or_path` names: a path, or a hub id,
 * which is downloaded; what a run made itself is looked for in its folder, wherever that is now. Throws `NOT_FOUND` where the base is not there, `CORRUPT_FILE` where none is named.
 */
export async function partsIn(folder: string, options: ModelFolderOptions = {}): Promise<CheckpointParts> {
  const config = await firstFile(folder, ['adapter_config.json']);
  const weights = await firstFile(folder, ['model.safetensors', 'model.safetensors.index.json']);
  if (config === undefined || weights !== undefined) return { folder, adapters: [] };
  const base = (await readJsonObject(config, options.signal))['base_model_name_or_path'];
  if (typeof base !== 'string' || base === '') {
    throw new QuernError('CORRUPT_FILE', 'base_model_name_or_path names no checkpoint', {
      where: config,
      hint: advice(folder),
    });
  }
  const named = await placeOf(base, dirname(resolve(folder)));
  try {
    return { folder: await checkpointFolder(named, options), adapters: [folder] };
  } catch (error) {
    if (!(error instanceof QuernError) || error.code !== 'NOT_FOUND') throw error;
    throw new QuernError('NOT_FOUND', `the checkpoint that it changes is not there: ${named}`, {
      where: config,
      hint: advice(folder),
      cause: error,
    });
  }
}

/** Where the base of an adapter is that lies in `run`. */
async function placeOf(base: string, run: string): Promise<string> {
  if (base === tinyModelName) return tinyModelFolder(run);
  const own = mergedModelFolder(run);
  return basename(base) === basename(own) && (await pathKindIfAny(own)) ? own : base;
}

/** Throws what opening the checkpoint and its adapters throws: where one is damaged, of another kind, or does not fit. */
export async function checkParts({ folder, adapters }: CheckpointParts, signal?: AbortSignal): Promise<void> {
  const checkpoint = await Checkpoint.open(folder, signal);
  try {
    for (const adapter of adapters) {
      await (await LoraAdapter.open(adapter, checkpoint.tensors, signal)).close();
    }
  } finally {
    await checkpoint.close();
  }
}

function advice(folder: string): string {
  return `Write there where the checkpoint is, or name both: quern export CHECKPOINT --lora ${folder} --out FILE`;
}
