import { join } from 'node:path';
import { pathKind } from '../../collections/files.ts';
import { QuernError } from '../../errors.ts';
import { CheckpointWeights, type Weight } from './checkpoint-weights.ts';
import { checkpointAdvice, readCheckpointJson, readJsonObject } from './json-file.ts';
import { endTokensOf, parseQwen2Config, type Qwen2Config } from './qwen2-config.ts';
import { qwen2Tensors, type Qwen2Tensor } from './qwen2-tensors.ts';

/** A tensor of a checkpoint with its place in the model. */
export interface CheckpointTensor extends Qwen2Tensor {
  readonly weight: Weight;
}

/** What a checkpoint says of its model beside the weights. */
export interface CheckpointFacts {
  readonly config: Qwen2Config;
  /** Ids of the tokens that end a generation, those of `generation_config.json` first. */
  readonly endTokens: readonly number[];
}

/** An open checkpoint of a Qwen2 model: a folder as `save_pretrained` writes it. */
export class Checkpoint {
  readonly folder: string;
  readonly config: Qwen2Config;
  /** All tensors of the model, in the order of {@link qwen2Tensors}. */
  readonly tensors: readonly CheckpointTensor[];
  /** Ids of the tokens that end a generation, those of `generation_config.json` first. */
  readonly endTokens: readonly number[];
  readonly #weights: CheckpointWeights;

  private constructor(
    config: Qwen2Config,
    tensors: readonly CheckpointTensor[],
    endTokens: readonly number[],
    weights: CheckpointWeights,
  ) {
    this.folder = weights.folder;
    this.config = config;
    this.tensors = tensors;
    this.endTokens = endTokens;
    this.#weights = weights;
  }

  /**
   * Opens a checkpoint and checks that it holds every tensor of the model in its shape, and none besides. Throws
   * `NOT_FOUND` naming what is missing, `UNSUPPORTED` for another architecture or type, `CORRUPT_FILE`, `IO`, `ABORTED`.
   */
  static async open(folder: string, signal?: AbortSignal): Promise<Checkpoint> {
    const { config, endTokens } = await readCheckpointFacts(folder, signal);
    const weights = await CheckpointWeights.open(folder, signal);
    try {
      const tensors = qwen2Tensors(config).map((tensor) => ({
        ...tensor,
        weight: weights.weight(tensor.name, tensor.shape),
      }));
      checkNames(weights, tensors, config);
      return new Checkpoint(config, tensors, endTokens, weights);
    } catch (error) {
      await weights.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#weights.close();
  }
}

/**
 * What a checkpoint's folder says beside the weights, which need not be there. Throws `NOT_FOUND`, `UNSUPPORTED`, `BAD_INPUT`,
 * `IO` and `ABORTED` as {@link Checkpoint.open} does.
 */
export async function readCheckpointFacts(folder: string, signal?: AbortSignal): Promise<CheckpointFacts> {
  await checkFolder(folder);
  const path = join(folder, 'config.json');
  const config = parseQwen2Config(
    await readCheckpointJson(folder, 'config.json', checkpointAdvice, signal),
    path,
  );
  return { config, endTokens: await readEndTokens(folder, config, signal) };
}

/** Throws unless `folder` is one. */
export async function checkFolder(folder: string): Promise<void> {
  const { isFolder } = await pathKind(folder);
  if (isFolder) return;
  throw new QuernError('BAD_INPUT', 'is a file; a checkpoint is a folder', { where: folder });
}

async function readEndTokens(folder: string, config: Qwen2Config, signal?: AbortSignal): Promise<number[]> {
  const path = join(folder, 'generation_config.json');
  const generation = await readJsonObject(path, signal).catch((error: unknown) => {
    if (error instanceof QuernError && error.code === 'NOT_FOUND') return {};
    throw error;
  });
  return [...new Set([...endTokensOf(generation, path), ...config.endTokens])];
}

/** Throws `UNSUPPORTED` for a tensor that Qwen2 has not: left out silently, the model would be another. */
function checkNames(
  weights: CheckpointWeights,
  tensors: readonly CheckpointTensor[],
  { tiedEmbeddings }: Qwen2Config,
): void {
  const known = new Set(tensors.map(({ name }) => name));
  // Some savers write what follows from the rest.
  if (tiedEmbeddings) known.add('lm_head.weight');
  for (const name of weights.names()) {
    if (known.has(name) || name.endsWith('.rotary_emb.inv_freq')) continue;
    const what = `holds the tensor ${JSON.stringify(name).slice(0, 120)}, which a Qwen2 model has not`;
    throw new QuernError('UNSUPPORTED', what, { where: weights.folder });
  }
}
