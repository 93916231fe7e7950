/**
 * `llama:PATH_OR_HUB_ID`: an embedding model in a GGUF file, run by llama.cpp, one text at a time. How vectors are pooled is in
 * the file (`ARCHITECTURE.pooling_type`): node-llama-cpp does it so and takes no other. A file that says nothing gives the last
 * token's vector.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { LlamaEmbeddingContext, LlamaModel, Token } from 'node-llama-cpp';
import { pathKindIfAny } from '../collections/files.ts';
import { orAborted, QuernError, throwIfAborted } from '../errors.ts';
import { metadataNumber, metadataText, readGguf, type GgufInfo } from '../models/gguf/gguf-reader.ts';
import { loadLlamaEmbedding, type LoadedLlama } from '../models/llama-runtime.ts';
import { modelHash, preparedModel } from '../models/prepared-model.ts';
import { oneLine } from '../one-line.ts';
import { Once } from '../once.ts';
import { distinctTexts } from './distinct-texts.ts';
import type { Embedder, TextKind } from './embedder.ts';
import {
  documentSettings,
  instructedText,
  settledSettings,
  type EmbeddingSettings,
  type PartialSettings,
  type Pooling,
} from './embedding-settings.ts';
import type { CheckedOptions } from './model-options.ts';
import { knownModel } from './known-models.ts';
import { checkpointSettings } from './sentence-transformers.ts';
import { checkedVector } from './vector-check.ts';

/** What `pooling_type` counts, in llama.cpp's order. */
const poolingTypes: readonly (Pooling | 'none' | 'rank')[] = ['none', 'mean', 'cls', 'last', 'rank'];

/** What is read of a text where nobody says how much: contexts as long as such models were trained with take too much memory. */
const usualTokens = 8192;

/** An embedding model in a GGUF file. */
export class LlamaEmbedder implements Embedder {
  readonly id: string;
  readonly dimensions: number;
  readonly contentHash: string;
  readonly maxTokens: number;
  readonly isNormalized: boolean;
  readonly #path: string;
  readonly #settings: EmbeddingSettings;
  readonly #endToken: string | undefined;
  readonly #loaded: Once<LoadedLlama<LlamaEmbeddingContext>>;
  readonly #closing = new AbortController();
  /** What llama.cpp works on; it cannot be broken off, and nothing that it uses may be freed under it. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(id: string, path: string, model: Described, options: CheckedOptions) {
    this.id = id;
    this.#path = path;
    this.dimensions = model.dimensions;
    this.contentHash = model.contentHash;
    this.#settings = model.settings;
    this.#endToken = model.endToken;
    this.maxTokens = model.settings.maxTokens;
    this.isNormalized = model.settings.isNormalized;
    this.#loaded = new Once(() =>
      loadLlamaEmbedding(path, {
        contextTokens: this.maxTokens,
        isOneBatch: model.settings.pooling !== 'last' || !model.isPooledByFile,
        threads: options.threads,
        signal: this.#closing.signal,
      }),
    );
  }

  /** The embedder of that name; its file is hashed, and the model loaded by the first texts. */
  static async open(id: string, options: CheckedOptions): Promise<LlamaEmbedder> {
    const name = id.slice('llama:'.length);
    const path = await preparedModel(name, options);
    const { signal } = options;
    const gguf = await readGguf(path, { signal });
    const names = [
      name.replace(/:\w+$/, ''),
      basename(path),
      metadataText(gguf.metadata, 'general.name') ?? '',
    ];
    const known = knownModel(names.map((each) => each.replace(/@.*$/, '')));
    const isFolder = (await pathKindIfAny(name))?.isFolder === true;
    const files = isFolder ? await checkpointSettings(name, signal) : {};
    const described = describe(path, gguf, [options.settings, files, known?.settings ?? {}]);
    const { settings } = described;
    const endToken = known?.endToken;
    const hash = await modelHash([path], { ...options, folder: options.cacheFolder });
    const contentHash = createHash('sha256')
      .update(JSON.stringify({ hash, settings: documentSettings(settings), endToken }))
      .digest('hex');
    return new LlamaEmbedder(id, path, { ...described, contentHash, endToken }, options);
  }

  async embed(
    texts: readonly string[],
    as: TextKind,
    signal?: AbortSignal,
    onEmbedded?: (done: number) => void,
  ): Promise<Float32Array[]> {
    const stop = signal ? AbortSignal.any([signal, this.#closing.signal]) : this.#closing.signal;
    throwIfAborted(stop);
    const vectors: Float32Array[] = Array.from({ length: texts.length });
    if (texts.length === 0) return vectors;
    const { model, context } = await orAborted(this.#loaded.get(), stop);
    const distinct = distinctTexts(texts);
    let done = 0;
    for (const [i, text] of distinct.texts.entries()) {
      const tokens = this.#tokens(model, instructedText(text, as, this.#settings));
      const own = this.#turn.then(() => {
        throwIfAborted(stop);
        return this.#vector(context, tokens);
      });
      this.#turn = own.catch(() => undefined);
      const vector = await orAborted(own, stop);
      for (const position of distinct.positions[i]) {
        vectors[position] = checkedVector(vector.slice(), this.dimensions, { where: this.#path, position });
        done++;
      }
      onEmbedded?.(done);
    }
    return vectors;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#turn;
    const loaded = await this.#loaded.underWay?.catch(() => undefined);
    await loaded?.close();
  }

  /** A text's tokens, without those that node-llama-cpp puts before and after: its end is cut to leave room for them. */
  #tokens(model: LlamaModel, text: string): Token[] {
    const own = this.#endToken === undefined ? [] : model.tokenize(this.#endToken, true);
    // Where the file has the rule, node-llama-cpp adds that token itself, unless it is there already.
    const [end] = own.length === 1 ? own : [undefined];
    const room = this.maxTokens - 2;
    const cut = text.length > 64 * this.maxTokens ? text.slice(0, 64 * this.maxTokens) : text;
    // No model has a vector for no token at all; a blank is the nearest to it.
    let tokens = model.tokenize(cut, false);
    if (tokens.length === 0 && end === undefined) tokens = model.tokenize(' ', false);
    return [...tokens.slice(0, Math.max(room, 1)), ...(end === undefined ? [] : [end])];
  }

  async #vector(context: LlamaEmbeddingContext, tokens: Token[]): Promise<Float32Array> {
    try {
      const { vector } = await context.getEmbeddingFor(tokens);
      const length = this.isNormalized ? Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0)) : 1;
      return Float32Array.from(vector, (value) => value / (length || 1));
    } catch (error) {
      const told = oneLine(error instanceof Error ? error.message : String(error));
      throw new QuernError('BAD_REPLY', `llama.cpp cannot embed with it (${told})`, {
        where: this.#path,
        cause: error,
      });
    }
  }
}

interface Described {
  readonly dimensions: number;
  readonly settings: EmbeddingSettings;
  /** Whether the file says how it is pooled. */
  readonly isPooledByFile: boolean;
  readonly contentHash: string;
  readonly endToken?: string;
}

/** What is known of a model before it is loaded. Throws `UNSUPPORTED` where it would have to be pooled in another way. */
function describe(
  path: string,
  { metadata }: GgufInfo,
  sources: readonly PartialSettings[],
): Omit<Described, 'contentHash' | 'endToken'> {
  const architecture = metadataText(metadata, 'general.architecture') ?? '';
  const type = poolingTypes[metadataNumber(metadata, `${architecture}.pooling_type`) ?? 0];
  const refused = (what: string, hint?: string): QuernError =>
    new QuernError('UNSUPPORTED', what, { where: path, hint });
  if (type === undefined || type === 'rank') throw refused('is a model that ranks, not one that embeds');
  const pooled = type === 'none' ? 'last' : type;
  const settled = settledSettings(sources);
  if (settled.pooling !== undefined && settled.pooling !== pooled) {
    throw refused(
      `its file pools by ${type === 'none' ? 'taking the last token' : type}, and it is to be ${settled.pooling}`,
      `llama.cpp pools as the file says: convert it with ${architecture}.pooling_type ${poolingTypes.indexOf(settled.pooling)}`,
    );
  }
  if (!settled.poolsInstruction && (settled.queryInstruction || settled.documentInstruction)) {
    throw refused(
      'an instruction that is read and not pooled is nothing that llama.cpp can do',
      'Take the ONNX model',
    );
  }
  const dimensions = metadataNumber(metadata, `${architecture}.embedding_length`);
  if (!dimensions)
    throw new QuernError('CORRUPT_FILE', 'does not say how long its vectors are', { where: path });
  const trained = metadataNumber(metadata, `${architecture}.context_length`) ?? Infinity;
  const maxTokens = Math.min(settled.maxTokens ?? usualTokens, trained);
  return {
    dimensions,
    isPooledByFile: type !== 'none',
    settings: { ...settled, pooling: pooled, maxTokens },
  };
}
