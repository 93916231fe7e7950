import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, QuernError } from '../errors.ts';
import { modelFolder, type ModelFolderOptions } from './checkpoint-folder.ts';
import { partsIn } from './checkpoint-parts.ts';
import { contentHash, rememberedHash, type ContentHashOptions } from './content-hash.ts';
import { convertedModel } from './conversion-cache.ts';
import type { ModelType } from './gguf/qwen2-metadata.ts';
import { parseModelName } from './model-name.ts';

/** What a checkpoint is converted to where its name does not say: next to no loss, and half the size. */
const defaultType: ModelType = 'q8_0';

/** How a model is prepared. */
export interface PrepareOptions extends ModelFolderOptions {
  /** The folder for what is made of models: conversions in `models`, hashes in `hashes`. */
  readonly cacheFolder: string;
}

/**
 * The path of the GGUF file of a model that is named by a path or a hub id, with or without the type that it is to be
 * converted to; downloaded and converted where it has to be, once. Throws `NOT_FOUND`, `USAGE` for a type where there is
 * nothing to convert, and what downloading and converting throw.
 */
export async function preparedModel(name: string, options: PrepareOptions): Promise<string> {
  const model = await parseModelName(name);
  const { at, type = defaultType } = model;
  if (model.kind === 'file') {
    if (model.type === undefined) return at;
    throw new QuernError('USAGE', `is taken as it is, and cannot be converted to ${model.type}`, {
      where: at,
    });
  }
  const { folder, gguf } = await modelFolder(model, type, options);
  if (gguf !== undefined) return join(folder, gguf);
  return convertedModel(await partsIn(folder, options), {
    ...options,
    type,
    folder: join(options.cacheFolder, 'models'),
  });
}

/** What names the content of a model's files, the model first and then its adapters: their SHA-256, `+` between them. */
export async function modelHash(files: readonly string[], options: ContentHashOptions): Promise<string> {
  const hashes: string[] = [];
  for (const file of files) hashes.push(await contentHash(file, options));
  return hashes.join('+');
}

/** {@link modelHash} where it is remembered of all files, none of which is read; else undefined. */
export async function rememberedModelHash(
  files: readonly string[],
  options: Pick<ContentHashOptions, 'folder'>,
): Promise<string | undefined> {
  const hashes: string[] = [];
  for (const file of files) {
    const hash = await rememberedHash(file, options);
    if (hash === undefined) return undefined;
    hashes.push(hash);
  }
  return hashes.join('+');
}

/** What changes when one of these files does: sizes, times and inodes. Throws `NOT_FOUND`. */
export async function filesState(files: readonly string[]): Promise<string> {
  const states: string[] = [];
  for (const file of files) {
    try {
      const { size, mtimeNs, ctimeNs, dev, ino } = await stat(file, { bigint: true });
      states.push([size, mtimeNs, ctimeNs, dev, ino].join(' '));
    } catch (error) {
      throw fileError(error, file);
    }
  }
  return states.join('\n');
}
