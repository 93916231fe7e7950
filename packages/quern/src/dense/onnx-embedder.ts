/** `onnx:HUB_ID_OR_FOLDER`: an embedding model in ONNX, run by transformers.js on a thread of its own. */
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { QuernError } from '../errors.ts';
import { distinctTexts } from './distinct-texts.ts';
import type { Embedder, TextKind } from './embedder.ts';
import {
  documentSettings,
  instructedText,
  instructionOf,
  settledPooling,
  settledSettings,
  type EmbeddingSettings,
} from './embedding-settings.ts';
import type { CheckedOptions } from './model-options.ts';
import { knownModel } from './known-models.ts';
import { onnxFiles, onnxHashes, readableTokens, type OnnxFiles } from './onnx-files.ts';
import { OnnxModel } from './onnx-model.ts';
import { batchLimits } from './batch-limits.ts';
import { checkpointSettings } from './sentence-transformers.ts';
import { tokenBatches } from './token-batches.ts';
import { checkedVector } from './vector-check.ts';
import { join } from 'node:path';

/** Texts that are tokenized together and put into batches. */
const windowTexts = 2048;
/** An embedding model in ONNX. */
export class OnnxEmbedder implements Embedder {
  readonly id: string;
  readonly dimensions: number;
  readonly contentHash: string;
  readonly maxTokens: number;
  readonly isNormalized: boolean;
  readonly #settings: EmbeddingSettings;
  readonly #model: OnnxModel;
  readonly #where: string;

  private constructor(
    id: string,
    files: OnnxFiles,
    settings: EmbeddingSettings,
    identity: { dimensions: number; contentHash: string },
    threads: number,
  ) {
    this.id = id;
    this.dimensions = identity.dimensions;
    this.contentHash = identity.contentHash;
    this.maxTokens = settings.maxTokens;
    this.isNormalized = settings.isNormalized;
    this.#settings = settings;
    this.#where = files.folder;
    const { folder, subfolder, type: dtype } = files;
    this.#model = new OnnxModel({ folder, subfolder, dtype, task: 'embedding', threads });
  }

  /** The embedder of that name, `onnx:` and all; its files are looked at and hashed, the model is loaded by the first texts. */
  static async open(id: string, options: CheckedOptions): Promise<OnnxEmbedder> {
    const { settings: given, cacheFolder, signal, onWork, threads = availableParallelism() } = options;
    const files = await onnxFiles(id.slice('onnx:'.length), options);
    const known = knownModel(namesOf(files))?.settings ?? {};
    const settled = settledSettings([given, await checkpointSettings(files.folder, signal), known]);
    const settings: EmbeddingSettings = {
      ...settled,
      pooling: settledPooling(settled.pooling, files.folder),
      maxTokens: await readableTokens(settled.maxTokens, files, signal),
    };
    const hashes = await onnxHashes(files, { folder: cacheFolder, signal, onWork });
    const contentHash = createHash('sha256')
      .update(JSON.stringify({ hashes, settings: documentSettings(settings) }))
      .digest('hex');
    return new OnnxEmbedder(id, files, settings, { dimensions: hiddenSize(files), contentHash }, threads);
  }

  async embed(
    texts: readonly string[],
    as: TextKind,
    signal?: AbortSignal,
    onEmbedded?: (done: number) => void,
  ): Promise<Float32Array[]> {
    const { poolsInstruction, maxTokens, pooling, isNormalized } = this.#settings;
    const instruction = instructionOf(as, this.#settings);
    const distinct = distinctTexts(texts);
    const vectors: Float32Array[] = Array.from({ length: texts.length });
    let done = 0;
    for (let from = 0; from < distinct.texts.length; from += windowTexts) {
      const window = distinct.texts
        .slice(from, from + windowTexts)
        .map((text) => instructedText(text, as, this.#settings));
      const sequences = await this.#model.tokens({ texts: window, maxTokens }, signal);
      for (const batch of tokenBatches(
        sequences.map(({ ids }) => ids),
        batchLimits,
      )) {
        const result = await this.#model.run(
          {
            sequences: batch.map((i) => sequences[i]),
            pooling: { pooling, isNormalized },
            skippedPrefix: poolsInstruction ? '' : instruction,
          },
          signal,
        );
        for (const [row, i] of batch.entries()) {
          for (const position of distinct.positions[from + i]) {
            const vector = result.vectors.slice(row * result.dimensions, (row + 1) * result.dimensions);
            vectors[position] = checkedVector(vector, this.dimensions, { where: this.#where, position });
            done++;
          }
        }
        onEmbedded?.(done);
      }
    }
    return vectors;
  }

  async close(): Promise<void> {
    await this.#model.close();
  }
}

function namesOf({ knownAs, config }: OnnxFiles): string[] {
  const named = config['_name_or_path'];
  return [knownAs, ...(typeof named === 'string' ? [named] : [])];
}

function hiddenSize({ config, folder }: OnnxFiles): number {
  const size = ['hidden_size', 'dim', 'd_model', 'n_embd']
    .map((key) => config[key])
    .find(Number.isSafeInteger);
  if (typeof size === 'number' && size > 0) return size;
  throw new QuernError('CORRUPT_FILE', 'does not say how long its vectors are: no hidden_size', {
    where: join(folder, 'config.json'),
  });
}
