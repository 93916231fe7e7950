import { join } from 'node:path';
import { QuernError } from '../errors.ts';
import { modelFolder, type ModelFolderOptions } from './checkpoint-folder.ts';
import { contentHash } from './content-hash.ts';
import { convertedModel } from './conversion-cache.ts';
import { parseModelName, type ModelName } from './model-name.ts';
import type { ModelType } from './gguf/qwen2-metadata.ts';

/** What a checkpoint is converted to where its name does not say: next to no loss, and half the size. */
const defaultType: ModelType = 'q8_0';

/** How a model is prepared. */
export interface PrepareOptions extends ModelFolderOptions {
  /** The folder for what is made of models: conversions in `models`, hashes in `hashes`. */
  readonly cacheFolder: string;
  /** GGUF files of LoRA adapters that are applied to it. */
  readonly adapters?: readonly string[];
}

/** A model as a file that llama.cpp loads. */
export interface PreparedModel {
  /** The path of the GGUF file. */
  readonly path: string;
  /** SHA-256 of the file, hexadecimal; with adapters, those of all files with a `+` between them. */
  readonly hash: string;
}

/**
 * The GGUF file of a model that is named by a path or a hub id, with or without the type that it is to be converted to:
 * downloaded, converted and hashed, each of them once. Throws `NOT_FOUND`, `USAGE` for a type where there is nothing to
 * convert, and what downloading and converting throw.
 */
export async function preparedModel(name: string, options: PrepareOptions): Promise<PreparedModel> {
  const path = await ggufOf(await parseModelName(name), options);
  const hashes: string[] = [];
  for (const file of [path, ...(options.adapters ?? [])]) {
    hashes.push(await contentHash(file, { ...options, folder: options.cacheFolder }));
  }
  return { path, hash: hashes.join('+') };
}

async function ggufOf(model: ModelName, options: PrepareOptions): Promise<string> {
  if (model.kind === 'file') {
    if (model.type === undefined) return model.at;
    throw new QuernError('USAGE', `is taken as it is, and cannot be converted to ${model.type}`, {
      where: model.at,
    });
  }
  const { at, type = defaultType } = model;
  const { folder, gguf } = await modelFolder(model, type, options);
  if (gguf !== undefined) return join(folder, gguf);
  return convertedModel(folder, {
    ...options,
    type,
    folder: join(options.cacheFolder, 'models'),
    source: at,
  });
}
