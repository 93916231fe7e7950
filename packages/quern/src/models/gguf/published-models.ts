import type { Qwen2Config } from '../checkpoint/qwen2-config.ts';

/** A published reasoner and its shape. */
export interface PublishedModel {
  /** Its name on the hub. */
  readonly name: string;
  readonly config: Qwen2Config;
}

const shared = { positions: 32_768, normEpsilon: 1e-6, ropeBase: 1e6, endTokens: [151_645, 151_643] };

/** The published reasoners (arXiv 2506.11603), the largest first, with the shapes of Qwen2.5-Instruct. */
export const publishedModels: readonly PublishedModel[] = [
  {
    name: 'TongSearch/TongSearch-QR-7B',
    config: {
      ...shared,
      hiddenSize: 3584,
      layers: 28,
      heads: 28,
      keyValueHeads: 4,
      intermediateSize: 18_944,
      vocabularySize: 152_064,
      tiedEmbeddings: false,
    },
  },
  {
    name: 'TongSearch/TongSearch-QR-3B',
    config: {
      ...shared,
      hiddenSize: 2048,
      layers: 36,
      heads: 16,
      keyValueHeads: 2,
      intermediateSize: 11_008,
      vocabularySize: 151_936,
      tiedEmbeddings: true,
    },
  },
  {
    name: 'TongSearch/TongSearch-QR-1.5B',
    config: {
      ...shared,
      hiddenSize: 1536,
      layers: 28,
      heads: 12,
      keyValueHeads: 2,
      intermediateSize: 8960,
      vocabularySize: 151_936,
      tiedEmbeddings: true,
    },
  },
];
