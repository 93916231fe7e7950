import type { Environment } from '../collections/environment.ts';
import { QuernError } from '../errors.ts';
import type { Warnings } from '../warnings.ts';
import type { OnWork } from '../work.ts';
import { checkFolder } from './checkpoint/checkpoint.ts';
import { resolveModel } from './hub.ts';
import { isModelFile } from './model-files.ts';
import { parseCheckpointName, type ModelName } from './model-name.ts';
import type { ModelType } from './gguf/qwen2-metadata.ts';

/** How models of the hub are found. */
export interface ModelFolderOptions {
  readonly env?: Environment;
  readonly warnings?: Warnings;
  readonly onWork?: OnWork;
  readonly signal?: AbortSignal;
}

/** A folder with a model: a checkpoint, or a GGUF file. */
export interface ModelFolder {
  readonly folder: string;
  /** The name of the GGUF file in it that is the model; undefined where the folder is a checkpoint. */
  readonly gguf?: string;
}

/**
 * The folder of the checkpoint that a string names, a path or a hub id; one of the hub is downloaded. Throws `NOT_FOUND` where
 * there is none, `BAD_INPUT` where it is a file, `UNSUPPORTED` where it is converted already, and what
 * {@link resolveModel} throws.
 */
export async function checkpointFolder(named: string, options: ModelFolderOptions = {}): Promise<string> {
  const model = await parseCheckpointName(named);
  if (model.kind === 'file') await checkFolder(named);
  const { folder, gguf } = await modelFolder(model, 'q8_0', options);
  if (gguf === undefined) return folder;
  throw new QuernError('UNSUPPORTED', `holds no checkpoint, but a GGUF file, ${gguf}`, {
    where: named,
    hint: `It can be used as it is: llama:${named}`,
  });
}

/**
 * The folder of a model that is no file here. A repository of the hub without safetensors is taken for one of GGUF files, of
 * which the one of `type` is chosen by its name. Throws `UNSUPPORTED` where there are several of that type.
 */
export async function modelFolder(
  { kind, at }: ModelName,
  type: ModelType,
  options: ModelFolderOptions,
): Promise<ModelFolder> {
  if (kind !== 'hub') return { folder: at };
  const files = (file: string, names: readonly string[]): boolean =>
    names.some((each) => /^[^/]+\.safetensors$/.test(each)) ? isModelFile(file) : isGgufOf(file, type);
  const resolved = await resolveModel(at, { ...options, files });
  const ggufs = resolved.files.map(({ name }) => name).filter((name) => name.endsWith('.gguf'));
  if (ggufs.length > 1) {
    throw new QuernError('UNSUPPORTED', `has several GGUF files of ${type}, such as ${ggufs[0]}`, {
      where: at,
      hint: 'Download the one you want, and name its path',
    });
  }
  return { folder: resolved.folder, gguf: ggufs[0] };
}

/** Whether a file of a repository is a GGUF file of this type, going by its name, such as `model-q8_0.gguf`. */
function isGgufOf(name: string, type: ModelType): boolean {
  return /^[^/]+$/.test(name) && name.toLowerCase().endsWith(`${type}.gguf`);
}
