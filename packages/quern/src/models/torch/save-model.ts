/** Models written as Hugging Face folders, which transformers, vLLM and our own converter open. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scope, type Dtype, type Tensor } from '@quern/libtorch';
import { pathKindIfAny } from '../../collections/files.ts';
import { fileError, QuernError, throwIfAborted } from '../../errors.ts';
import { checkFolderOf, syncFolder } from '../../whole-file.ts';
import type { WeightDtype } from '../checkpoint/checkpoint-weights.ts';
import { readJsonObject, type JsonObject } from '../checkpoint/json-file.ts';
import type { Qwen2Config } from '../checkpoint/qwen2-config.ts';
import { dtypeBytes } from '../checkpoint/safetensors-header.ts';
import { writeSafetensors, type NewTensor } from '../checkpoint/safetensors.ts';
import { isModelFile } from '../model-files.ts';
import { quernError } from './torch-error.ts';
import { torchDtypes, type WeightMap } from './weight-map.ts';

/** How a model is saved. */
export interface SaveModelOptions {
  /** What `config.json` says, but for the type of the weights. Default: that of `from`. */
  readonly config?: JsonObject;
  /** The folder of the checkpoint that it was made of: its tokenizer and other settings are copied. */
  readonly from?: string;
  /** Default: `BF16`, as published checkpoints have it. */
  readonly dtype?: WeightDtype;
  /** The most bytes of a file. Default: 5 GB. */
  readonly shardBytes?: number;
  readonly signal?: AbortSignal;
}

/** Bytes that are copied from the device at a time. */
const pieceBytes = 1 << 26;

/**
 * Writes a model's folder: `config.json`, the weights as safetensors, in shards where they are large, and the tokenizer of the
 * checkpoint that it comes from. It is made beside and renamed when it is whole. Throws `ALREADY_EXISTS`, `USAGE` where neither
 * `config` nor `from` is given, `IO`, `DISK_FULL` and `ABORTED`.
 */
export async function saveModel(
  { weights }: { readonly weights: WeightMap },
  folder: string,
  options: SaveModelOptions,
): Promise<void> {
  const { from, dtype = 'BF16', signal } = options;
  const config =
    options.config ?? (from === undefined ? undefined : await readJsonObject(join(from, 'config.json')));
  if (!config) throw new QuernError('USAGE', 'a model is saved with a config, or from a checkpoint');
  if (await pathKindIfAny(folder)) {
    throw new QuernError('ALREADY_EXISTS', 'exists already', { where: folder, hint: 'Name another folder' });
  }
  await checkFolderOf(folder);
  const beside = `${folder}.${randomBytes(4).toString('hex')}.partial`;
  try {
    await mkdir(beside);
    if (from !== undefined) await copySettings(from, beside);
    // Older and newer transformers look under different names.
    const { torch_dtype: _, dtype: __, ...rest } = config;
    const written = { ...rest, torch_dtype: torchDtypes[dtype] };
    await writeFile(join(beside, 'config.json'), `${JSON.stringify(written, null, 2)}\n`);
    await writeWeights(beside, weights, options);
    throwIfAborted(signal);
    await syncFolder(beside);
    await rename(beside, folder);
    await syncFolder(join(folder, '..'));
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    throw quernError(fileError(error, folder));
  }
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
  { dtype = 'BF16', shardBytes = 5e9, signal }: SaveModelOptions,
): Promise<void> {
  const shards: NewTensor[][] = [];
  let held = Infinity;
  let total = 0;
  for (const [name, tensor] of weights) {
    const bytes = tensor.numel * dtypeBytes[dtype];
    if (held + bytes > shardBytes) {
      shards.push([]);
      held = 0;
    }
    const data = pieces(tensor, torchDtypes[dtype], signal);
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

/** The bytes of a tensor, some rows at a time. */
function* pieces(tensor: Tensor, dtype: Dtype, signal: AbortSignal | undefined): Generator<Uint8Array> {
  const [rows = 1] = tensor.shape;
  const rowBytes = (tensor.numel / Math.max(rows, 1)) * 4;
  const atOnce = Math.max(1, Math.floor(pieceBytes / Math.max(rowBytes, 1)));
  for (let row = 0; row < rows; row += atOnce) {
    throwIfAborted(signal);
    yield scope(() => {
      const part = tensor.dim === 0 ? tensor : tensor.narrow(0, row, Math.min(atOnce, rows - row));
      return part.detach().to({ dtype, device: 'cpu' }).bytes();
    });
  }
}

/** What `config.json` of a Qwen2 model says, for one that comes from no checkpoint. */
export function qwen2ConfigJson(config: Qwen2Config): JsonObject {
  const { ropeScaling } = config;
  return {
    architectures: ['Qwen2ForCausalLM'],
    model_type: 'qwen2',
    hidden_act: 'silu',
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.positions,
    num_attention_heads: config.heads,
    num_hidden_layers: config.layers,
    num_key_value_heads: config.keyValueHeads,
    rms_norm_eps: config.normEpsilon,
    rope_theta: config.ropeBase,
    ...(ropeScaling && {
      rope_scaling: {
        type: ropeScaling.type,
        factor: ropeScaling.factor,
        ...(ropeScaling.originalPositions !== undefined && {
          original_max_position_embeddings: ropeScaling.originalPositions,
        }),
        ...(ropeScaling.betaFast !== undefined && { beta_fast: ropeScaling.betaFast }),
        ...(ropeScaling.betaSlow !== undefined && { beta_slow: ropeScaling.betaSlow }),
      },
    }),
    tie_word_embeddings: config.tiedEmbeddings,
    use_sliding_window: false,
    vocab_size: config.vocabularySize,
    ...(config.beginToken !== undefined && { bos_token_id: config.beginToken }),
    ...(config.endTokens.length > 0 && { eos_token_id: config.endTokens }),
    ...(config.paddingToken !== undefined && { pad_token_id: config.paddingToken }),
  };
}
