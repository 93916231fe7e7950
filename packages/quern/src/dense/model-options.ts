import type { ModelFolderOptions } from '../models/checkpoint-folder.ts';
import type { RetryTiming } from '../models/openai/openai-connection.ts';
import type { PartialSettings } from './embedding-settings.ts';

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

/** How rerankers are opened by their names. */
export interface RerankerOptions extends DenseModelOptions {
  /** The most tokens of query and text together that a local model reads. Default: what it was made for. */
  readonly maxTokens?: number;
}
