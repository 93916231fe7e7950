/** `onnx:HUB_ID_OR_FOLDER`: an embedding model in ONNX, run by transformers.js on a thread of its own. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { QuernError } from '../errors.ts';
import type { Embedder, TextKind } from './embedder.ts';
import { embeddedTexts, type BatchEncoder } from './embedding-batches.ts';
import type { EmbeddingSettings } from './embedding-settings.ts';
import { encoderHash, encoderSettings } from './encoder-settings.ts';
import type { CheckedOptions } from './model-options.ts';
import { onnxFiles, onnxHashes, type OnnxFiles } from './onnx-files.ts';
import { OnnxModel } from './onnx-model.ts';

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
    const settings = await encoderSettings(files, given, signal);
    const contentHash = encoderHash(
      await onnxHashes(files, { folder: cacheFolder, signal, onWork }),
      settings,
    );
    return new OnnxEmbedder(id, files, settings, { dimensions: hiddenSize(files), contentHash }, threads);
  }

  async embed(
    texts: readonly string[],
    as: TextKind,
    signal?: AbortSignal,
    onEmbedded?: (done: number) => void,
  ): Promise<Float32Array[]> {
    const { maxTokens, pooling, isNormalized } = this.#settings;
    const encoder: BatchEncoder = {
      tokens: (window) => this.#model.tokens({ texts: window, maxTokens }, signal),
      vectors: async (sequences, skippedPrefix) => {
        const request = { sequences, pooling: { pooling, isNormalized }, skippedPrefix };
        return (await this.#model.run(request, signal)).vectors;
      },
    };
    return embeddedTexts(texts, encoder, {
      as,
      settings: this.#settings,
      dimensions: this.dimensions,
      where: this.#where,
      onEmbedded,
    });
  }

  async close(): Promise<void> {
    await this.#model.close();
  }
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
