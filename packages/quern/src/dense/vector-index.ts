import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { compareHits } from '../collections/ranking-order.ts';
import type { Hit } from '../collections/records.ts';
import { fileError, QuernError, throwIfAborted } from '../errors.ts';
import type { EmbedderIdentity } from './embedder.ts';
import type { Aggregate } from './passages.ts';
import { readVectorManifest, type VectorManifest } from './vector-manifest.ts';

/** How vectors are searched. */
export interface VectorSearchOptions {
  readonly k: number;
  readonly aggregate: Aggregate;
  readonly excluded?: Iterable<string>;
  readonly isAdmitted?: (id: string) => boolean;
  readonly signal?: AbortSignal;
}

/** An open vector index. */
export class VectorIndex {
  readonly folder: string;
  readonly #manifest: VectorManifest;
  readonly #ids: readonly string[];
  readonly #numbers: ReadonlyMap<string, number>;
  /** Where the vectors of each document begin; one more at the end. */
  readonly #offsets: Uint32Array;
  readonly #vectors: Float32Array;

  private constructor(
    folder: string,
    manifest: VectorManifest,
    documents: readonly (readonly [string, number])[],
    vectors: Float32Array,
  ) {
    this.folder = folder;
    this.#manifest = manifest;
    this.#ids = documents.map(([id]) => id);
    this.#numbers = new Map(this.#ids.map((id, i) => [id, i]));
    this.#offsets = new Uint32Array(documents.length + 1);
    for (const [i, [, count]] of documents.entries()) this.#offsets[i + 1] = this.#offsets[i]! + count;
    this.#vectors = vectors;
  }

  static async open(folder: string): Promise<VectorIndex> {
    const manifest = await readVectorManifest(folder);
    const { vectors, documents } = manifest.files;
    const ids = JSON.parse((await readChecked(folder, documents)).toString('utf8')) as [string, number][];
    const bytes = await readChecked(folder, vectors);
    const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    return new VectorIndex(folder, manifest, ids, numbers);
  }

  get embedder(): Omit<EmbedderIdentity, never> {
    return this.#manifest.embedder;
  }

  get facts(): Readonly<Record<string, unknown>> {
    return this.#manifest.facts;
  }

  get documents(): number {
    return this.#ids.length;
  }

  documentId(document: number): string {
    return this.#ids[document]!;
  }

  has(id: string): boolean {
    return this.#numbers.has(id);
  }

  vectorsOf(id: string): Float32Array[] {
    const { dimensions } = this.embedder;
    const number = this.#numbers.get(id)!;
    const all: Float32Array[] = [];
    for (let i = this.#offsets[number]!; i < this.#offsets[number + 1]!; i++) {
      all.push(this.#vectors.slice(i * dimensions, (i + 1) * dimensions));
    }
    return all;
  }

  async search(query: Float32Array, options: VectorSearchOptions): Promise<Hit[]> {
    const { k, aggregate, excluded = [], isAdmitted, signal } = options;
    throwIfAborted(signal);
    const { dimensions } = this.embedder;
    const without = new Set(excluded);
    const scale = 1 / Math.sqrt(query.reduce((sum, value) => sum + value * value, 0));
    const hits: Hit[] = [];
    for (const [number, id] of this.#ids.entries()) {
      if (without.has(id) || (isAdmitted && !isAdmitted(id))) continue;
      const scores: number[] = [];
      for (let i = this.#offsets[number]!; i < this.#offsets[number + 1]!; i++) {
        let sum = 0;
        for (let j = 0, at = i * dimensions; j < dimensions; j++, at++) sum += query[j]! * this.#vectors[at]!;
        scores.push(sum * scale);
      }
      hits.push({ id, score: Math.fround(aggregated(scores, aggregate)), rank: 0 });
    }
    return hits
      .sort(compareHits)
      .slice(0, k)
      .map(({ id, score }, i) => ({ id, score, rank: i + 1 }));
  }

  async close(): Promise<void> {}
}

/** The vector indexes in the folder of an index. */
export async function listVectorIndexes(
  folder: string,
): Promise<(VectorManifest & { readonly folder: string })[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw fileError(error, folder);
  });
  const all: (VectorManifest & { readonly folder: string })[] = [];
  for (const name of names.filter((each) => /^dense-[0-9a-f]{16}$/.test(each)).sort()) {
    const path = join(folder, name);
    const manifest = await readVectorManifest(path).catch((error: unknown) => {
      // A folder that was begun and never finished holds none.
      if (error instanceof QuernError && error.code === 'NOT_FOUND') return undefined;
      throw error;
    });
    if (manifest) all.push({ ...manifest, folder: path });
  }
  return all;
}

function aggregated(scores: readonly number[], aggregate: Aggregate): number {
  if (aggregate === 'first') return scores[0]!;
  if (aggregate === 'max') return Math.max(...scores);
  const best = scores.toSorted((a, b) => b - a).slice(0, aggregate.mean);
  return best.reduce((sum, score) => sum + score, 0) / best.length;
}

async function readChecked(
  folder: string,
  { file, bytes, checksum }: { readonly file: string; readonly bytes: number; readonly checksum: number },
): Promise<Buffer> {
  const path = join(folder, file);
  const content = await readFile(path).catch((error: unknown) => {
    throw fileError(error, path);
  });
  if (content.length === bytes && crc32(content) === checksum) return content;
  throw new QuernError('CORRUPT_FILE', 'the checksum does not match', {
    where: path,
    hint: 'Embed the corpus again, with quern index … --dense',
  });
}
