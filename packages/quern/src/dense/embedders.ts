import { defaultCacheFolder } from '../cache-folder.ts';
import { QuernError } from '../errors.ts';
import type { Embedder } from './embedder.ts';
import { checkedSettings } from './embedding-settings.ts';
import { LlamaEmbedder } from './llama-embedder.ts';
import type { CheckedOptions, EmbedderOptions } from './model-options.ts';
import { OnnxEmbedder } from './onnx-embedder.ts';
import { OpenAiEmbedder } from './openai-embedder.ts';

/**
 * The embedder that a string names: `onnx:HUB_ID_OR_FOLDER`, `llama:PATH_OR_HUB_ID`, `torch:HUB_ID_OR_FOLDER` or
 * `openai:MODEL@URL`. Throws `USAGE` for
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
      case 'torch': {
        const { TorchEmbedder } = await import('./torch-embedder.ts');
        return TorchEmbedder.open(name, checked);
      }
      case 'openai':
        return OpenAiEmbedder.open(name, checked);
    }
  }
  throw new QuernError('USAGE', `unknown embedder ${JSON.stringify(name)}`, {
    hint: 'Embedders are onnx:HUB_ID_OR_FOLDER, llama:PATH_OR_HUB_ID, torch:HUB_ID_OR_FOLDER and openai:MODEL@URL',
  });
}
