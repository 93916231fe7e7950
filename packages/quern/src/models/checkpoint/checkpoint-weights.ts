import { join } from 'node:path';
import { QuernError } from '../../errors.ts';
import { checkpointAdvice, isJsonObject, readJsonObject } from './json-file.ts';
import { SafetensorsFile } from './safetensors.ts';
import type { Dtype } from './safetensors-header.ts';

/** The types of weights that are read. */
export type WeightDtype = 'F32' | 'F16' | 'BF16';

/** A tensor of a checkpoint. */
export interface Weight {
  readonly name: string;
  readonly dtype: WeightDtype;
  /** The sizes of its dimensions, the last one contiguous. */
  readonly shape: readonly number[];
  readonly bytes: number;
  /** The file that it lies in. */
  readonly path: string;
  /** Fills `target` with its bytes from `offset` on. */
  read(offset: number, target: Uint8Array, signal?: AbortSignal): Promise<void>;
}

const singleFile = 'model.safetensors';
const indexFile = 'model.safetensors.index.json';

/** The tensors of a checkpoint's `model.safetensors`, or of the shards that its index lists. */
export class CheckpointWeights {
  readonly folder: string;
  readonly #files: readonly SafetensorsFile[];
  readonly #fileOf: ReadonlyMap<string, SafetensorsFile>;

  private constructor(
    folder: string,
    files: readonly SafetensorsFile[],
    fileOf: ReadonlyMap<string, SafetensorsFile>,
  ) {
    this.folder = folder;
    this.#files = files;
    this.#fileOf = fileOf;
  }

  /** Opens all files. Throws `NOT_FOUND` naming the one that is missing, `CORRUPT_FILE`, `UNSUPPORTED` and `IO`. */
  static async open(folder: string, signal?: AbortSignal): Promise<CheckpointWeights> {
    const files: SafetensorsFile[] = [];
    try {
      const fileOf = await openFiles(folder, files, signal);
      return new CheckpointWeights(folder, files, fileOf);
    } catch (error) {
      for (const file of files) await file.close();
      throw error;
    }
  }

  /** The names of all tensors. */
  names(): IterableIterator<string> {
    return this.#fileOf.keys();
  }

  /**
   * The tensor of a name. Throws `CORRUPT_FILE` where there is none or where it has another shape than `shape`,
   * `UNSUPPORTED` where its values are not F32, F16 or BF16.
   */
  weight(name: string, shape?: readonly number[]): Weight {
    const file = this.#fileOf.get(name);
    if (file) return weightOf(file, name, shape);
    throw new QuernError('CORRUPT_FILE', `the tensor ${name} is missing`, { where: this.folder });
  }

  async close(): Promise<void> {
    for (const file of this.#files) await file.close();
  }
}

/** A tensor of an open safetensors file; throws as {@link CheckpointWeights.weight} does. */
export function weightOf(file: SafetensorsFile, name: string, shape?: readonly number[]): Weight {
  const { path } = file;
  const tensor = file.tensors.get(name);
  if (!tensor) throw new QuernError('CORRUPT_FILE', `the tensor ${name} is missing`, { where: path });
  const { dtype, bytes } = tensor;
  if (!isWeightDtype(dtype)) {
    const what = `the tensor ${name} is of type ${dtype}`;
    throw new QuernError('UNSUPPORTED', what, { where: path, hint: 'F32, F16 and BF16 are read' });
  }
  if (shape && (shape.length !== tensor.shape.length || shape.some((size, i) => size !== tensor.shape[i]))) {
    const what = `the tensor ${name} has the shape [${tensor.shape}], not [${shape}] as the configuration asks for`;
    throw new QuernError('CORRUPT_FILE', what, { where: path });
  }
  const read: Weight['read'] = (offset, target, signal) => file.read(tensor, offset, target, signal);
  return { name, dtype, shape: tensor.shape, bytes, path, read };
}

async function openFiles(
  folder: string,
  files: SafetensorsFile[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, SafetensorsFile>> {
  const open = async (name: string): Promise<SafetensorsFile> => {
    const file = await SafetensorsFile.open(join(folder, name), signal);
    files.push(file);
    return file;
  };
  const fileOf = new Map<string, SafetensorsFile>();
  const single = await open(singleFile).catch((error: unknown) => missing(error));
  if (single) {
    for (const name of single.tensors.keys()) fileOf.set(name, single);
    return fileOf;
  }
  const shardOf = await readIndex(folder, signal);
  const shards = new Map<string, SafetensorsFile>();
  for (const [tensor, shard] of shardOf) {
    let file = shards.get(shard);
    if (!file) shards.set(shard, (file = await open(shard)));
    if (!file.tensors.has(tensor)) {
      const what = `the tensor ${tensor} is missing, which ${indexFile} says is here`;
      throw new QuernError('CORRUPT_FILE', what, { where: file.path });
    }
    fileOf.set(tensor, file);
  }
  return fileOf;
}

async function readIndex(folder: string, signal: AbortSignal | undefined): Promise<Map<string, string>> {
  const path = join(folder, indexFile);
  const index = await readJsonObject(path, signal).catch((error: unknown) => missing(error));
  if (!index) {
    throw new QuernError('NOT_FOUND', `has neither ${singleFile} nor ${indexFile}`, {
      where: folder,
      hint: checkpointAdvice,
    });
  }
  const map = index['weight_map'];
  if (!isJsonObject(map)) throw new QuernError('CORRUPT_FILE', 'weight_map is no object', { where: path });
  return new Map(
    Object.entries(map).map(([tensor, shard]) => {
      if (typeof shard === 'string' && isPlainName(shard)) return [tensor, shard];
      const what = `weight_map: ${JSON.stringify(shard)?.slice(0, 120)} is not the name of a file in this folder`;
      throw new QuernError('CORRUPT_FILE', what, { where: path });
    }),
  );
}

/** Whether a name from outside can only be that of a safetensors file right in the folder. */
function isPlainName(name: string): boolean {
  return /^[\w][\w.-]*\.safetensors$/.test(name);
}

function isWeightDtype(dtype: Dtype): dtype is WeightDtype {
  return dtype === 'F32' || dtype === 'F16' || dtype === 'BF16';
}

/** Undefined for `NOT_FOUND`; throws everything else. */
function missing(error: unknown): undefined {
  if (error instanceof QuernError && error.code === 'NOT_FOUND') return undefined;
  throw error;
}
