import { defaultCacheFolder } from '../cache-folder.ts';
import { QuernError } from '../errors.ts';
import type { ModelFolderOptions } from '../models/checkpoint-folder.ts';
import type { Embedder } from './embedder.ts';
import { checkedSettings, type PartialSettings } from './embedding-settings.ts';
import { OnnxEmbedder } from './onnx-embedder.ts';

/** How embedders are opened by their names. */
export interface EmbedderOptions extends ModelFolderOptions {
  /** What counts before the checkpoint's own files and the known models. */
  readonly settings?: PartialSettings;
  /** The folder for what is remembered of models. Default: the user's cache. */
  readonly cacheFolder?: string;
  /** Default: the processor's cores. */
  readonly threads?: number;
}

/**
 * The embedder that a string names: `onnx:HUB_ID_OR_FOLDER`. Throws `USAGE` for an unknown name or settings that cannot be
 * used, and what finding its files throws; models are loaded by the first texts.
 */
export async function openEmbedder(name: string, options: EmbedderOptions = {}): Promise<Embedder> {
  const { settings = {}, env, cacheFolder = defaultCacheFolder(env) } = options;
  const checked = { ...options, settings: checkedSettings(settings), cacheFolder };
  const [kind, ...parts] = name.split(':');
  if (parts.join(':') !== '') {
    switch (kind) {
      case 'onnx':
        return OnnxEmbedder.open(name, checked);
    }
  }
  throw new QuernError('USAGE', `unknown embedder ${JSON.stringify(name)}`, {
    hint: 'Embedders are onnx:HUB_ID_OR_FOLDER',
  });
}
