/** The files of an ONNX model as transformers.js lays them out, in a folder or in a repository of the hub. */
import { realpath, readdir, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { byteSize } from '../byte-size.ts';
import { pathKindIfAny } from '../collections/files.ts';
import { fileError, QuernError } from '../errors.ts';
import type { ModelFolderOptions } from '../models/checkpoint-folder.ts';
import { readJsonObject, type JsonObject } from '../models/checkpoint/json-file.ts';
import { contentHash, type ContentHashOptions } from '../models/content-hash.ts';
import { freeMemory } from '../models/free-memory.ts';
import { parseHubId } from '../models/hub/hub-id.ts';
import { resolveModel } from '../models/hub.ts';

/** What follows `model` in the name of an ONNX file, by the type of its weights. */
const endings = {
  fp32: '',
  fp16: '_fp16',
  q8: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  q4: '_q4',
  q4f16: '_q4f16',
} as const;

/** The type of an ONNX file's weights: `fp32` is `model.onnx`, `q8` is `model_quantized.onnx`. */
export type OnnxType = keyof typeof endings;

const onnxTypes = Object.keys(endings) as OnnxType[];

/** An ONNX model on this machine. */
export interface OnnxFiles {
  /** Absolute. */
  readonly folder: string;
  /** `onnx`, or empty where the model lies in the folder itself. */
  readonly subfolder: '' | 'onnx';
  readonly type: OnnxType;
  /** The model's file and those of its weights, if they are apart; absolute. */
  readonly weights: readonly string[];
  /** What the model may be known by: its hub id or its folder's name. */
  readonly knownAs: string;
  /** Its `config.json`. */
  readonly config: JsonObject;
}

const beside =
  /^(config\.json|tokenizer\.json|tokenizer_config\.json|special_tokens_map\.json|modules\.json|config_sentence_transformers\.json|sentence_bert_config\.json|\d+_\w+\/config\.json)$/;

/**
 * The files of the model that `FOLDER`, `owner/name` or `owner/name@revision` names, each with or without `:TYPE` behind it.
 * What exists here comes first; of the hub only what is needed is downloaded. Throws `NOT_FOUND`, `CORRUPT_FILE`,
 * `OUT_OF_MEMORY` where the weights alone are more than what is free, and what {@link resolveModel} throws.
 */
export async function onnxFiles(name: string, options: ModelFolderOptions = {}): Promise<OnnxFiles> {
  const there = await pathKindIfAny(name);
  const [, at, suffix] = there ? [] : (/^(.+):([a-z0-9]+)$/s.exec(name) ?? []);
  const type = onnxTypes.find((each) => each === suffix);
  if (type !== undefined) return filesOf(at, type, options);
  return filesOf(name, 'fp32', options);
}

async function filesOf(at: string, type: OnnxType, options: ModelFolderOptions): Promise<OnnxFiles> {
  const there = await pathKindIfAny(at);
  if (there && !there.isFolder) {
    throw new QuernError('BAD_INPUT', 'is a file: an ONNX model is named by its folder', {
      where: at,
      hint: 'The folder holds config.json, tokenizer.json and onnx/model.onnx',
    });
  }
  if (!there && (/^[.~/\\]|^[A-Za-z]:/.test(at) || !/^[^/\\:]+\/[^/\\:]+$/.test(at.replace(/@.*$/s, '')))) {
    throw new QuernError('NOT_FOUND', 'no such folder of an ONNX model', {
      where: at,
      hint: 'Give its folder, or owner/name of the Hugging Face hub',
    });
  }
  const folder = there ? await realpath(resolve(at)) : await downloaded(at, type, options);
  const subfolder = await weightsFolder(folder, type, at);
  const weights = await weightFiles(join(folder, subfolder), type);
  await checkMemory(weights, at);
  const { signal } = options;
  return {
    folder,
    subfolder,
    type,
    weights,
    knownAs: there ? basename(folder) : parseHubId(at).repository,
    config: await readJsonObject(join(folder, 'config.json'), signal),
  };
}

async function downloaded(id: string, type: OnnxType, options: ModelFolderOptions): Promise<string> {
  const files = (file: string, names: readonly string[]): boolean => {
    if (beside.test(file)) return true;
    const folder = names.includes(`onnx/${modelFile(type)}`) ? 'onnx/' : '';
    return file.startsWith(folder) && isWeightsOf(file.slice(folder.length), type);
  };
  try {
    return (await resolveModel(id, { ...options, files })).folder;
  } catch (error) {
    if (!(error instanceof QuernError) || !['NETWORK', 'NOT_FOUND'].includes(error.code)) throw error;
    // Of a folder whose name is misspelt, too, the hub is asked.
    const { code, what, where, hint = '' } = error;
    const folder = `There is no folder ${id} here, so it is taken for a name of the hub`;
    throw new QuernError(code, what, {
      where,
      hint: hint === '' ? folder : `${hint}. ${folder}`,
      cause: error,
    });
  }
}

function modelFile(type: OnnxType): string {
  return `model${endings[type]}.onnx`;
}

/** Whether a file is a model's of this type, or holds its weights: `model.onnx`, `model.onnx_data`, `model.onnx_data_1`. */
function isWeightsOf(name: string, type: OnnxType): boolean {
  const model = modelFile(type);
  return name === model || (name.startsWith(`${model}_data`) && !name.includes('/'));
}

async function weightsFolder(folder: string, type: OnnxType, where: string): Promise<'' | 'onnx'> {
  for (const subfolder of ['onnx', ''] as const) {
    if (await pathKindIfAny(join(folder, subfolder, modelFile(type)))) return subfolder;
  }
  throw new QuernError('NOT_FOUND', `has no onnx/${modelFile(type)}`, {
    where,
    hint: `Export the model to ONNX, or name another type behind it: ${onnxTypes.map((each) => `:${each}`).join(', ')}`,
  });
}

async function weightFiles(folder: string, type: OnnxType): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw fileError(error, folder);
  });
  return names
    .filter((name) => isWeightsOf(name, type))
    .sort()
    .map((name) => join(folder, name));
}

async function checkMemory(weights: readonly string[], where: string): Promise<void> {
  let bytes = 0;
  for (const path of weights) bytes += (await stat(path)).size;
  const free = freeMemory();
  if (bytes <= free) return;
  const what = `needs ${byteSize(bytes)} for its weights alone, and ${byteSize(free)} are free`;
  throw new QuernError('OUT_OF_MEMORY', what, { where, hint: 'A quantized one is smaller: :q8' });
}

/** SHA-256 of each file that decides what a model's output is, in an order of their own: weights and tokenizer. */
export async function onnxHashes(
  { folder, weights }: OnnxFiles,
  options: ContentHashOptions,
): Promise<readonly string[]> {
  const hashes: string[] = [];
  for (const path of weights) hashes.push(await contentHash(path, options));
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
    hashes.push(await contentHash(join(folder, name), options));
  }
  return hashes;
}
