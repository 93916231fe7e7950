/** `torch:FOLDER_OR_HUB_ID`: a BERT model from its checkpoint, on LibTorch. */
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { noGrad, scope, setNumThreads, tensor, type Tensor } from '@quern/libtorch';
import { QuernError, throwIfAborted } from '../errors.ts';
import { checkpointFolder } from '../models/checkpoint-folder.ts';
import { checkVocabulary, openTextTokenizer, type TextTokenizer } from '../models/checkpoint-texts.ts';
import { parseBertConfig, type BertConfig } from '../models/checkpoint/bert-config.ts';
import { checkpointAdvice, readCheckpointJson, tokenizerAdvice } from '../models/checkpoint/json-file.ts';
import { contentHash } from '../models/content-hash.ts';
import { BertModel } from '../models/torch/bert-model.ts';
import { torchDevice } from '../models/torch/device.ts';
import { quernError } from '../models/torch/torch-error.ts';
import { Once } from '../once.ts';
import type { Embedder, TextKind } from './embedder.ts';
import { embeddedTexts, type BatchEncoder } from './embedding-batches.ts';
import type { EmbeddingSettings } from './embedding-settings.ts';
import { encoderHash, encoderSettings } from './encoder-settings.ts';
import type { CheckedOptions } from './model-options.ts';
import { pooledVectors } from './pooling.ts';
import { TokenEncoder, type TokenSequence } from './token-encoder.ts';

interface Loaded {
  readonly model: BertModel;
  readonly encoder: TokenEncoder;
}

/** What decides a {@link TorchEmbedder}'s vectors. */
interface Identity {
  readonly folder: string;
  readonly config: BertConfig;
  readonly contentHash: string;
  readonly settings: EmbeddingSettings;
}

/** An embedding model on LibTorch. */
export class TorchEmbedder implements Embedder {
  readonly id: string;
  readonly dimensions: number;
  readonly contentHash: string;
  readonly maxTokens: number;
  readonly isNormalized: boolean;
  readonly #identity: Identity;
  readonly #options: CheckedOptions;
  readonly #closing = new AbortController();
  readonly #loaded = new Once(() => this.#load());
  /** Batches take turns. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(id: string, identity: Identity, options: CheckedOptions) {
    const { settings, config, contentHash: hash } = identity;
    this.id = id;
    this.dimensions = config.hiddenSize;
    this.contentHash = hash;
    this.maxTokens = settings.maxTokens;
    this.isNormalized = settings.isNormalized;
    this.#identity = identity;
    this.#options = options;
  }

  /**
   * The embedder of that name, `torch:` and all; its files are looked at and hashed, the model is loaded by the first texts.
   * Throws what finding the checkpoint throws, `UNSUPPORTED` for another architecture than BERT, and `USAGE` where its files do
   * not say how vectors are pooled.
   */
  static async open(id: string, options: CheckedOptions): Promise<TorchEmbedder> {
    const { settings: given, signal } = options;
    const name = id.slice('torch:'.length);
    const folder = await checkpointFolder(name, options);
    // A snapshot of the hub lies in a folder that is named after a commit.
    const knownAs = folder === name ? basename(resolve(folder)) : name.replace(/@.*$/s, '');
    const path = join(folder, 'config.json');
    const json = await readCheckpointJson(folder, 'config.json', checkpointAdvice, signal);
    const config = parseBertConfig(json, path);
    const settings = await encoderSettings({ folder, knownAs, config: json }, given, signal);
    const hash = encoderHash(await hashes(folder, options), settings);
    return new TorchEmbedder(id, { folder, config, contentHash: hash, settings }, options);
  }

  async embed(
    texts: readonly string[],
    as: TextKind,
    signal?: AbortSignal,
    onEmbedded?: (done: number) => void,
  ): Promise<Float32Array[]> {
    const { settings, folder } = this.#identity;
    if (texts.length === 0) return [];
    const { model, encoder: tokens } = await this.#ready(signal);
    const encoder: BatchEncoder = {
      tokens: async (window) => window.map((text) => tokens.single(text, settings.maxTokens)),
      vectors: (batch, skippedPrefix) =>
        this.#turn(() => this.#vectors(model, batch, tokens.prefixTokens(skippedPrefix)), signal),
    };
    const { dimensions } = this;
    return embeddedTexts(texts, encoder, { as, settings, dimensions, where: folder, onEmbedded });
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#last.catch(() => undefined);
    const loaded = await this.#loaded.underWay?.catch(() => undefined);
    loaded?.model.close();
  }

  async #ready(signal: AbortSignal | undefined): Promise<Loaded> {
    throwIfAborted(signal);
    throwIfAborted(this.#closing.signal);
    return this.#loaded.get();
  }

  async #load(): Promise<Loaded> {
    const { folder, config } = this.#identity;
    const { env, onWork, threads } = this.#options;
    const signal = this.#closing.signal;
    const texts = await openTextTokenizer(folder, signal);
    checkVocabulary(texts, config.vocabularySize, folder);
    checkAdds(texts, folder);
    try {
      const device = torchDevice(env);
      if (threads !== undefined) setNumThreads(threads);
      const model = await BertModel.load(folder, { device, signal, onWork });
      return { model, encoder: new TokenEncoder(encoding(texts.tokenizer)) };
    } catch (error) {
      throw quernError(error);
    }
  }

  /** One batch at a time; other work of this process comes in between. */
  #turn<T>(work: () => T, signal: AbortSignal | undefined): Promise<T> {
    const turn = this.#last
      .catch(() => undefined)
      .then(() => new Promise((done) => setImmediate(done)))
      .then(() => {
        throwIfAborted(signal);
        throwIfAborted(this.#closing.signal);
        return work();
      });
    this.#last = turn;
    return turn;
  }

  /** The pooled vectors of a batch, one after the other. */
  #vectors(model: BertModel, batch: readonly TokenSequence[], skipped: number): Float32Array {
    const { pooling, isNormalized } = this.#identity.settings;
    const lengths = batch.map(({ ids }) => ids.length);
    const tokens = Math.max(...lengths);
    const padded = (row: (sequence: TokenSequence) => Int32Array): Tensor => {
      const values = new BigInt64Array(batch.length * tokens);
      for (const [i, sequence] of batch.entries()) {
        values.set(BigInt64Array.from(row(sequence), BigInt), i * tokens);
      }
      return tensor(values, { shape: [batch.length, tokens], device: model.placement.device });
    };
    try {
      const values = scope(() =>
        noGrad(() =>
          model
            .hidden(
              padded(({ ids }) => ids),
              padded(({ types }) => types),
              lengths,
            )
            .data(),
        ),
      ) as Float32Array;
      const dimensions = this.dimensions;
      return pooledVectors({ values, tokens, dimensions }, lengths, { pooling, skipped, isNormalized });
    } catch (error) {
      throw quernError(error);
    }
  }
}

/** Throws `BAD_INPUT` for a tokenizer that puts nothing around a text, as those of BERT do. */
function checkAdds({ tokenizer }: TextTokenizer, folder: string): void {
  if (tokenizer.encode('').ids.length > 0) return;
  throw new QuernError('BAD_INPUT', 'the tokenizer puts no tokens around a text, as those of BERT do', {
    where: folder,
    hint: tokenizerAdvice,
  });
}

function encoding(
  tokenizer: Awaited<ReturnType<typeof openTextTokenizer>>['tokenizer'],
): ConstructorParameters<typeof TokenEncoder>[0] {
  return (text, { text_pair, add_special_tokens = true }) => {
    const { ids, token_type_ids } = tokenizer.encode(text, {
      text_pair,
      add_special_tokens,
      return_token_type_ids: true,
    });
    return { input_ids: ids, token_type_ids };
  };
}

/** SHA-256 of each file that decides what the vectors are. */
async function hashes(folder: string, options: CheckedOptions): Promise<string[]> {
  const { cacheFolder, signal, onWork } = options;
  const names = await readdir(folder);
  const weights = names.filter((name) => name.endsWith('.safetensors')).sort();
  if (weights.length === 0) {
    throw new QuernError('NOT_FOUND', 'has no weights as safetensors', {
      where: folder,
      hint: checkpointAdvice,
    });
  }
  const found: string[] = [];
  for (const name of ['config.json', ...weights, 'tokenizer.json', 'tokenizer_config.json']) {
    found.push(await contentHash(join(folder, name), { folder: cacheFolder, signal, onWork }));
  }
  return found;
}
