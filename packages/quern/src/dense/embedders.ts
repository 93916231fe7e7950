import { defaultCacheFolder } from '../cache-folder.ts';
import { QuernError } from '../errors.ts';
import type { ModelFolderOptions } from '../models/checkpoint-folder.ts';
import type { RetryTiming } from '../models/openai/openai-connection.ts';
import type { Embedder } from './embedder.ts';
import { checkedSettings, type PartialSettings } from './embedding-settings.ts';
import { LlamaEmbedder } from './llama-embedder.ts';
import { OnnxEmbedder } from './onnx-embedder.ts';
import { OpenAiEmbedder } from './openai-embedder.ts';

/** How models are opened by their names. */
export interface DenseModelOptions extends ModelFolderOptions {
  /** The folder for what is remembered of models. Default: the user's cache. */
  readonly cacheFolder?: string;
  /** Default: the processor's cores. */
  readonly threads?: number;
  /** The environment variable that holds the key of a server. Default: `OPENAI_API_KEY`; of rerankers `RERANK_API_KEY`. */
  readonly keyVariable?: string;
  /** How a server that fails is waited for. */
  readonly retryTiming?: RetryTiming;
}

/** How embedders are opened by their names. */
export interface EmbedderOptions extends DenseModelOptions {
  /** What counts before the checkpoint's own files and the known models. */
  readonly settings?: PartialSettings;
}

/** Options that were looked at. */
export type CheckedOptions = EmbedderOptions & {
  readonly settings: PartialSettings;
  readonly cacheFolder: string;
};

/**
 * The embedder that a string names: `onnx:HUB_ID_OR_FOLDER`, `llama:PATH_OR_HUB_ID` or `openai:MODEL@URL`. Throws `USAGE` for
 * an unknown name or settings that cannot be used, and what finding its files throws; models are loaded by the first texts, but
 * a server is asked once, for the length of its vectors.
 */
export async function openEmbedder(name: string, options: EmbedderOptions = {}): Promise<Embedder> {
  const { settings = {}, env, cacheFolder = defaultCacheFolder(env) } = options;
  const checked: CheckedOptions = { ...options, settings: checkedSettings(settings), cacheFolder };
  const [kind, ...parts] = name.split(':');
  if (parts.join(':') !== '') {
    switch (kind) {
      case 'onnx':
        return OnnxEmbedder.open(name, checked);
      case 'llama':
        return LlamaEmbedder.open(name, checked);
      case 'openai':
        return OpenAiEmbedder.open(name, checked);
    }
  }
  throw new QuernError('USAGE', `unknown embedder ${JSON.stringify(name)}`, {
    hint: 'Embedders are onnx:HUB_ID_OR_FOLDER, llama:PATH_OR_HUB_ID and openai:MODEL@URL',
  });
}
