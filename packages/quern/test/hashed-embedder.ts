import { createHash } from 'node:crypto';
import type { Embedder } from '../src/dense/embedder.ts';

/** An embedder whose vectors are sums of one fixed vector a word: texts are near that share words. It counts its texts. */
export function hashedEmbedder(id = 'words', dimensions = 24): Embedder & { readonly embedded: string[] } {
  const embedded: string[] = [];
  return {
    id,
    dimensions,
    contentHash: createHash('sha256').update(`${id} ${dimensions}`).digest('hex'),
    isNormalized: false,
    maxTokens: 40,
    embedded,
    async embed(texts, _, signal, onEmbedded) {
      signal?.throwIfAborted();
      embedded.push(...texts);
      onEmbedded?.(texts.length);
      return texts.map((text) => sumOfWords(text, dimensions));
    },
    close: async () => undefined,
  };
}

function sumOfWords(text: string, dimensions: number): Float32Array {
  const vector = new Float32Array(dimensions);
  for (const word of ['', ...text.toLowerCase().split(/\W+/u)]) {
    const hash = createHash('sha512').update(word).digest();
    for (let i = 0; i < dimensions; i++) vector[i] = vector[i]! + (hash[i % 64]! - 127.5) / 128;
  }
  return vector;
}
