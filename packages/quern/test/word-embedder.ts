import type { Embedder, TextKind } from '../src/dense/embedder.ts';

/** A small embedder that looks at words alone: each adds 1 to a dimension. It counts what it is given. */
export class WordEmbedder implements Embedder {
  readonly id = 'words';
  readonly dimensions: number;
  readonly contentHash = '0'.repeat(64);
  readonly isNormalized = false;
  /** The texts of each call, and as what they were to be embedded. */
  readonly calls: { readonly texts: readonly string[]; readonly as: TextKind }[] = [];
  closed = 0;

  constructor(dimensions = 64) {
    this.dimensions = dimensions;
  }

  embed(texts: readonly string[], as: TextKind): Promise<Float32Array[]> {
    this.calls.push({ texts: [...texts], as });
    return Promise.resolve(texts.map((text) => this.vectorOf(text)));
  }

  vectorOf(text: string): Float32Array {
    const vector = new Float32Array(this.dimensions);
    for (const word of text.toLowerCase().match(/\w+/g) ?? []) {
      let place = 0;
      for (const letter of word) place = (place * 31 + letter.codePointAt(0)!) % this.dimensions;
      vector[place]++;
    }
    return vector;
  }

  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }
}
