/** Models written as Hugging Face folders, which transformers and our own converter open. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pathKindIfAny } from '../../collections/files.ts';
import { fileError, QuernError, throwIfAborted } from '../../errors.ts';
import { checkFolderOf, syncFolder } from '../../whole-file.ts';
import type { WeightDtype } from '../checkpoint/checkpoint-weights.ts';
import { isJsonObject, readJsonObject, type JsonObject } from '../checkpoint/json-file.ts';
import { dtypeBytes } from '../checkpoint/safetensors-header.ts';
import { writeSafetensors, type NewTensor } from '../checkpoint/safetensors.ts';
import { isModelFile } from '../model-files.ts';
import { qwen2ConfigJson } from './qwen2-config-json.ts';
import { Qwen2Model } from './qwen2-model.ts';
import { tensorPieces } from './tensor-file.ts';
import { quernError } from './torch-error.ts';
import { torchDtypes, type WeightMap } from './weight-map.ts';

/** How a model is saved. */
export interface SaveModelOptions {
  /** What `config.json` says, but for the type of the weights. Default: that of `from`, else a Qwen2 model's own. */
  readonly config?: JsonObject;
  /** The folder of the checkpoint that it was made of: its tokenizer and other settings are copied. */
  readonly from?: string;
  /** Default: `bfloat16`, as published checkpoints have it, whatever the model computes in. */
  readonly dtype?: 'float32' | 'bfloat16' | 'float16';
  /** The most bytes of a file. Default: 5 GB. */
  readonly shardBytes?: number;
  readonly signal?: AbortSignal;
}

/**
 * Writes a model's folder: `config.json`, the weights as safetensors, in shards where they are large, and the tokenizer of the
 * checkpoint `from`; without `from` the folder has no tokenizer. It is made beside and renamed when it is whole. Throws
 * `ALREADY_EXISTS`, `USAGE` for options that cannot be, `BAD_INPUT` for weights that are no finite numbers, or not in that
 * type, or were changed meanwhile, `IO`, `DISK_FULL` and `ABORTED`.
 */
export async function saveModel(
  model: { readonly weights: WeightMap },
  folder: string,
  options: SaveModelOptions = {},
): Promise<void> {
  const { from, signal } = options;
  const to = resolve(folder);
  const { dtype, shardBytes } = checkedOptions(options);
  const config = await configOf(model, options);
  if (await pathKindIfAny(to)) throw exists(folder);
  await checkFolderOf(to);
  const beside = `${to}.${randomBytes(4).toString('hex')}.partial`;
  try {
    await mkdir(beside);
    if (from !== undefined) await copySettings(from, beside);
    // Older and newer transformers look under different names.
    const { torch_dtype: _, dtype: __, ...rest } = config;
    const written = { ...rest, torch_dtype: torchDtypes[dtype] };
    await writeFile(join(beside, 'config.json'), `${JSON.stringify(written, null, 2)}\n`);
    const versions = versionsOf(model.weights);
    await writeWeights(beside, model.weights, { dtype, shardBytes, signal });
    throwIfAborted(signal);
    if (String(versionsOf(model.weights)) !== String(versions)) {
      throw new QuernError('BAD_INPUT', 'the weights were changed while they were saved', {
        where: folder,
        hint: 'Train on when the model is saved',
      });
    }
    await syncFolder(beside);
    await rename(beside, to).catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOTEMPTY' || error.code === 'EEXIST' ? exists(folder) : error;
    });
    await syncFolder(dirname(to));
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    throw quernError(fileError(error, folder));
  }
}

function exists(folder: string): QuernError {
  return new QuernError('ALREADY_EXISTS', 'exists already', { where: folder, hint: 'Name another folder' });
}

function versionsOf(weights: WeightMap): number[] {
  return Array.from(weights.values(), ({ version }) => version);
}

/** How weights are written. */
interface WeightOptions {
  readonly dtype: WeightDtype;
  readonly shardBytes: number;
  readonly signal?: AbortSignal;
}

function checkedOptions({ dtype = 'bfloat16', shardBytes = 5e9 }: SaveModelOptions): WeightOptions {
  const written = (Object.keys(torchDtypes) as WeightDtype[]).find((each) => torchDtypes[each] === dtype);
  if (written === undefined) {
    throw new QuernError('USAGE', 'is float32, bfloat16 or float16', { where: 'dtype' });
  }
  if (typeof shardBytes !== 'number' || !(shardBytes >= 1)) {
    throw new QuernError('USAGE', 'is a number from 1', { where: 'shardBytes' });
  }
  return { dtype: written, shardBytes };
}

async function configOf(model: object, { config, from }: SaveModelOptions): Promise<JsonObject> {
  if (config === undefined && from !== undefined) return readJsonObject(join(from, 'config.json'));
  const given: unknown = config ?? (model instanceof Qwen2Model ? qwen2ConfigJson(model.config) : undefined);
  if (!isJsonObject(given)) {
    throw new QuernError('USAGE', 'this model is saved with a config, or from a checkpoint', {
      where: 'saveModel',
    });
  }
  if (Array.isArray(given['architectures']) && typeof given['model_type'] === 'string') return given;
  throw new QuernError('USAGE', 'has no architectures and model_type, as config.json of a checkpoint has', {
    where: 'config',
    hint: 'qwen2ConfigJson(config) makes one; a Qwen2Model is saved without it',
  });
}

async function copySettings(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) {
    if (!isModelFile(name) || /\.safetensors|^config\.json$|^adapter_/.test(name)) continue;
    await copyFile(join(from, name), join(to, name));
  }
}

async function writeWeights(
  folder: string,
  weights: WeightMap,
  { dtype, shardBytes, signal }: WeightOptions,
): Promise<void> {
  const shards: NewTensor[][] = [[]];
  let held = 0;
  let total = 0;
  for (const [name, tensor] of weights) {
    const bytes = tensor.numel * dtypeBytes[dtype];
    if (held > 0 && held + bytes > shardBytes) {
      shards.push([]);
      held = 0;
    }
    const data = tensorPieces(name, tensor, torchDtypes[dtype], signal);
    shards.at(-1)!.push({ name, dtype, shape: tensor.shape, data });
    held += bytes;
    total += bytes;
  }
  const metadata = { format: 'pt' };
  if (shards.length === 1) {
    await writeSafetensors(join(folder, 'model.safetensors'), shards[0], metadata);
    return;
  }
  const map: Record<string, string> = {};
  for (const [i, tensors] of shards.entries()) {
    const file = `model-${numbered(i + 1)}-of-${numbered(shards.length)}.safetensors`;
    await writeSafetensors(join(folder, file), tensors, metadata);
    for (const { name } of tensors) map[name] = file;
  }
  const index = { metadata: { total_size: total }, weight_map: map };
  await writeFile(join(folder, 'model.safetensors.index.json'), `${JSON.stringify(index, null, 2)}\n`);
}

function numbered(shard: number): string {
  return String(shard).padStart(5, '0');
}
