import { join } from 'node:path';
import { QuernError } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import type { OnWork } from '../work.ts';
import { contentHash } from './content-hash.ts';
import { convertedModel } from './conversion-cache.ts';
import { resolveModel } from './hub.ts';
import { isModelFile } from './model-files.ts';
import { parseModelName, type ModelName } from './model-name.ts';
import type { ModelType } from './qwen2-metadata.ts';

/** What a checkpoint is converted to where its name does not say. */
const defaultType: ModelType = 'q8_0';

/** How a model is prepared. */
export interface PrepareOptions {
  /** The folder for what is made of models: conversions in `models`, hashes in `hashes`. */
  readonly cacheFolder: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly warnings?: Warnings;
  readonly onWork?: OnWork;
  readonly signal?: AbortSignal;
}

/** A model as a file that llama.cpp loads. */
export interface PreparedModel {
  /** The path of the GGUF file. */
  readonly path: string;
  /** SHA-256 of the file, hexadecimal. */
  readonly hash: string;
}

/**
 * The GGUF file of a model that is named by a path or a hub id: downloaded, converted and hashed, each of them once. Throws
 * `NOT_FOUND`, and what {@link resolveModel} and {@link convertedModel} throw.
 */
export async function preparedModel(name: string, options: PrepareOptions): Promise<PreparedModel> {
  const path = await ggufOf(await parseModelName(name), options);
  return { path, hash: await contentHash(path, { ...options, folder: options.cacheFolder }) };
}

async function ggufOf(model: ModelName, options: PrepareOptions): Promise<string> {
  if (model.kind === 'file') {
    if (model.type === undefined) return model.at;
    throw new QuernError('USAGE', `a GGUF file is taken as it is, and cannot be converted to ${model.type}`, {
      where: model.at,
    });
  }
  const { at, type = defaultType } = model;
  const { folder, gguf } = await checkpointFolder(model, options);
  if (gguf !== undefined) return join(folder, gguf);
  const models = join(options.cacheFolder, 'models');
  return convertedModel(folder, { ...options, type, folder: models, source: at });
}

/** The folder of a checkpoint, downloaded where it is one of the hub; `gguf` names the file in it that is one already. */
export async function checkpointFolder(
  { kind, at, type = defaultType }: ModelName,
  { env, warnings, onWork, signal }: Partial<PrepareOptions> = {},
): Promise<{ readonly folder: string; readonly gguf?: string }> {
  if (kind !== 'hub') return { folder: at };
  const files = (file: string, names: readonly string[]): boolean =>
    names.some((each) => /^[^/]+\.safetensors$/.test(each)) ? isModelFile(file) : isGgufOf(file, type);
  const resolved = await resolveModel(at, { files, env, warnings, onWork, signal });
  const ggufs = resolved.files.map((file) => file.name).filter((file) => file.endsWith('.gguf'));
  if (ggufs.length > 1) {
    throw new QuernError('UNSUPPORTED', `has several GGUF files for ${type}, such as ${ggufs[0]}`, {
      where: at,
      hint: 'Download the one you want, and name its path',
    });
  }
  return { folder: resolved.folder, gguf: ggufs[0] };
}

/** Whether a file of a repository is a GGUF file of this type, going by its name: `model-q8_0.gguf`. */
function isGgufOf(name: string, type: ModelType): boolean {
  return /^[^/]+$/.test(name) && name.toLowerCase().endsWith(`${type}.gguf`);
}
