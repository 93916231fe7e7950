import { QuernError } from '../errors.ts';
import type { RerankerOptions } from './model-options.ts';
import { OnnxReranker } from './onnx-reranker.ts';
import type { Reranker } from './reranker.ts';
import { ServerReranker } from './server-reranker.ts';

/**
 * The reranker that a string names: `onnx:HUB_ID_OR_FOLDER`, a cross-encoder, or `rerank:MODEL@URL`, a server's `POST /rerank`.
 * Throws `USAGE` for an unknown name, and what finding its files throws; models are loaded, and servers asked, by the first
 * texts.
 */
export async function openReranker(name: string, options: RerankerOptions = {}): Promise<Reranker> {
  const [kind, ...parts] = name.split(':');
  if (parts.join(':') !== '') {
    switch (kind) {
      case 'onnx':
        return OnnxReranker.open(name, options);
      case 'rerank':
        return new ServerReranker(name, options);
    }
  }
  throw new QuernError('USAGE', `unknown reranker ${JSON.stringify(name)}`, {
    hint: 'Rerankers are onnx:HUB_ID_OR_FOLDER and rerank:MODEL@URL',
  });
}
