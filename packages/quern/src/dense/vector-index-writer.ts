import { mkdir, open, readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { toUSVString } from 'node:util';
import { fileError, QuernError, throwIfAborted } from '../errors.ts';
import { FileWriter } from '../lexical/file-writer.ts';
import { maxSegmentEntries } from '../lexical/index-format.ts';
import { ProcessLock } from '../process-lock.ts';
import { syncFolder } from '../whole-file.ts';
import type { OnWork } from '../work.ts';
import type { DocumentSearch } from './document-search.ts';
import { ExactSearch } from './exact-search.ts';
import { writeGraph } from './graph-file.ts';
import { GraphSearch } from './graph-search.ts';
import { vectorLength } from './query-vector.ts';
import { precisions, rowLayout, writeRow, type Precision } from './row-layout.ts';
import { documentsContent } from './vector-documents.ts';
import { VectorFile } from './vector-file.ts';
import { usearchPackage } from './vector-graph.ts';
import { readVectorManifest, writeVectorManifest } from './vector-manifest.ts';
import type {
  IndexedEmbedder,
  IndexedFile,
  MeasuredRecall,
  SearchMethod,
  VectorManifest,
} from './vector-manifest.ts';
import { measuredRecall } from './vector-recall.ts';

/** A document as it goes into a vector index. */
export interface VectorDocument {
  readonly id: string;
  /** Of its passages, in their order; one at least. */
  readonly vectors: readonly Float32Array[];
}

/** What a vector index is made of, and how. */
export interface VectorIndexOptions {
  readonly embedder: IndexedEmbedder;
  /** Default `f32`. */
  readonly precision?: Precision;
  /** Default `auto`: exact up to {@link mostExactVectors}, `hnsw` above. */
  readonly method?: SearchMethod | 'auto';
  /** Kept in the manifest, as JSON. */
  readonly facts?: unknown;
  /**
   * How many threads build the graph of `hnsw`. Default 1: with one, the same vectors make the same graph; with several it is
   * another one each time, and about as good.
   */
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onWork?: OnWork;
}

/** Up to how many vectors `auto` compares all. */
export const mostExactVectors = 200_000;

/** The most bytes of vectors that are searched exactly: WebAssembly's 4 GiB less room to work in. */
const mostExactBytes = 3.5 * 2 ** 30;

const ownNames = /^(vectors|documents|graph|originals)-\d+\.[a-z]+$|^dense\.json\.partial$/;
const lockName = 'writer.lock';

/**
 * Writes the vector index of these documents into `folder`, which is made where it is missing; one that is there is replaced
 * when the new one is whole, and stays as it was where that fails. Vectors are stored at length 1, as cosines are what is
 * compared. Returns the manifest.
 *
 * Throws what `documents` throws; `BAD_INPUT`, naming the document, for an id that is there twice or not valid Unicode, no
 * vector, one of another number of dimensions, zero or not finite, and without any document; `LOCKED` where another writes to
 * the folder; `UNSUPPORTED` for more vectors than can be searched; `ABORTED`, `DISK_FULL` and `IO`.
 */
export async function writeVectorIndex(
  folder: string,
  documents: Iterable<VectorDocument> | AsyncIterable<VectorDocument>,
  options: VectorIndexOptions,
): Promise<VectorManifest> {
  const { precision = 'f32', method = 'auto', threads = 1 } = options;
  if (!Number.isSafeInteger(threads) || threads < 1) {
    throw new QuernError('USAGE', `threads must be a positive whole number, not ${threads}`);
  }
  if (!precisions.includes(precision)) throw noSuch('precision', precision, precisions);
  const methods = ['auto', 'exact', 'hnsw'] as const;
  if (!methods.includes(method)) throw noSuch('method', method, methods);
  // To fail before the work, not after it.
  if (method === 'hnsw') await usearchPackage();
  const isNew = await mkdir(folder).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw fileError(error, folder);
    },
  );
  try {
    const lock = await ProcessLock.acquire(join(folder, lockName), { kind: 'vector index', where: folder });
    try {
      return await new Draft(folder, options).written(documents);
    } finally {
      await lock.release();
    }
  } catch (error) {
    // Only an empty one goes.
    if (isNew) await rmdir(folder).catch(() => undefined);
    throw error;
  }
}

/** A vector index that is being written, by who holds the lock. */
class Draft {
  readonly #folder: string;
  readonly #options: VectorIndexOptions;
  readonly #ids: string[] = [];
  readonly #rowOffsets: number[] = [0];

  constructor(folder: string, options: VectorIndexOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  async written(
    documents: Iterable<VectorDocument> | AsyncIterable<VectorDocument>,
  ): Promise<VectorManifest> {
    const { embedder, precision = 'f32', facts = null } = this.#options;
    const { id, dimensions, contentHash, isNormalized } = embedder;
    const generation = await this.#nextGeneration();
    const nameOf = (kind: string): string => `${kind}-${generation}.quern`;
    const kept = new Set(['vectors', 'documents', 'graph'].map(nameOf));
    let isPlaced = false;
    try {
      const vectors = await this.#vectorsFile(nameOf('vectors'), nameOf('originals'), documents);
      const rowOffsets = Uint32Array.from(this.#rowOffsets);
      const longest = rowOffsets.reduce((most, end, i) => Math.max(most, end - (rowOffsets[i - 1] ?? 0)), 0);
      const method = this.#method(vectors);
      const files = {
        vectors,
        documents: await this.#documentsFile(nameOf('documents'), rowOffsets),
        ...(method === 'hnsw' && { graph: await this.#graphFile(nameOf('graph'), generation) }),
      };
      const manifest: VectorManifest = {
        generation,
        embedder: { id, dimensions, contentHash, isNormalized },
        precision,
        method,
        documents: this.#ids.length,
        vectors: rowOffsets.at(-1)!,
        longest,
        files,
        recall: await this.#recall(files, rowOffsets, longest, generation),
        facts,
      };
      throwIfAborted(this.#options.signal);
      await writeVectorManifest(this.#folder, manifest);
      isPlaced = true;
      await this.#clear((name) => kept.has(name));
      await syncFolder(dirname(this.#folder));
      return manifest;
    } finally {
      if (!isPlaced) await this.#clear((name) => !kept.has(name) && name !== nameOf('originals'));
    }
  }

  /** A number that no file in the folder has. */
  async #nextGeneration(): Promise<number> {
    const last = await readVectorManifest(this.#folder).then(
      ({ generation }) => generation,
      () => 0,
    );
    const numbers = (await readdir(this.#folder)).map((name) =>
      Number(/^[a-z]+-(\d+)\./.exec(name)?.[1] ?? 0),
    );
    return 1 + numbers.reduce((a, b) => Math.max(a, b), last);
  }

  async #clear(isKept: (name: string) => boolean): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      if (!ownNames.test(name) || isKept(name)) continue;
      // What cannot be removed now is left to the next writer.
      await rm(join(this.#folder, name), { force: true }).catch(() => undefined);
    }
  }

  #method({ bytes }: IndexedFile): SearchMethod {
    const { method = 'auto', embedder } = this.#options;
    const fits = bytes <= mostExactBytes;
    if (method === 'exact' && !fits) {
      throw new QuernError('UNSUPPORTED', `${bytes} bytes of vectors are too many to compare all`, {
        where: this.#folder,
        hint: `Store them as f16 or i8, or use hnsw (${embedder.dimensions} dimensions)`,
      });
    }
    if (method !== 'auto') return method;
    return fits && this.#rowOffsets.at(-1)! <= mostExactVectors ? 'exact' : 'hnsw';
  }

  /** Writes the vectors, and where they are to be less exact than 32-bit floats, these too, to measure what that loses. */
  async #vectorsFile(
    name: string,
    originalsName: string,
    documents: Iterable<VectorDocument> | AsyncIterable<VectorDocument>,
  ): Promise<IndexedFile> {
    const { embedder, precision = 'f32', signal } = this.#options;
    const names = precision === 'f32' ? [name] : [name, originalsName];
    const files: FileWriter[] = [];
    try {
      for (const each of names) files.push(await FileWriter.create(join(this.#folder, each)));
      const outputs = files.map((file, i) => {
        const layout = rowLayout(i === 0 ? precision : 'f32', embedder.dimensions);
        return { file, layout, row: new DataView(new ArrayBuffer(layout.bytes)) };
      });
      const known = new Set<string>();
      for await (const { id, vectors } of documents) {
        throwIfAborted(signal);
        const where = `document ${JSON.stringify(id)}`;
        checkId(id, known, where);
        if (vectors.length === 0) throw new QuernError('BAD_INPUT', 'has no vector', { where });
        for (const [i, vector] of vectors.entries()) {
          const place = vectors.length === 1 ? where : `${where}, passage ${i + 1}`;
          const length = vectorLength(vector, embedder.dimensions, place);
          for (const { file, layout, row } of outputs) {
            writeRow(row, vector, length, layout);
            await file.write(row);
          }
        }
        this.#ids.push(id);
        this.#rowOffsets.push(this.#rowOffsets.at(-1)! + vectors.length);
      }
      if (known.size === 0) {
        throw new QuernError('BAD_INPUT', 'there are no documents to make a vector index of');
      }
      for (const file of files) await file.close();
    } catch (error) {
      for (const file of files) await file.discard();
      throw error;
    }
    return { file: name, bytes: files[0].written, checksum: files[0].checksum };
  }

  /** Where the vectors are as 32-bit floats. */
  #floatsPath(generation: number): string {
    const { precision = 'f32' } = this.#options;
    return join(this.#folder, `${precision === 'f32' ? 'vectors' : 'originals'}-${generation}.quern`);
  }

  #graphFile(name: string, generation: number): Promise<IndexedFile> {
    const { width } = rowLayout('f32', this.#options.embedder.dimensions);
    const rows = this.#rowOffsets.at(-1)!;
    return writeGraph(this.#folder, name, { path: this.#floatsPath(generation), width, rows }, this.#options);
  }

  /** What is found of the best by all vectors as 32-bit floats; undefined where that is what is searched. */
  async #recall(
    files: VectorManifest['files'],
    rowOffsets: Uint32Array,
    longest: number,
    generation: number,
  ): Promise<MeasuredRecall | undefined> {
    const { embedder, precision = 'f32', signal } = this.#options;
    if (precision === 'f32' && !files.graph) return undefined;
    const layout = rowLayout(precision, embedder.dimensions);
    const floats = { layout: rowLayout('f32', embedder.dimensions), rowOffsets };
    const path = this.#floatsPath(generation);
    const file = new VectorFile(await open(path), path, floats, longest);
    let search: DocumentSearch | undefined;
    try {
      search = files.graph
        ? await GraphSearch.open(this.#folder, files.vectors, files.graph, layout, rowOffsets, longest)
        : await ExactSearch.open(this.#folder, files.vectors, layout, rowOffsets, longest);
      return await measuredRecall(file, search, signal);
    } finally {
      await search?.close();
      await file.close();
    }
  }

  async #documentsFile(name: string, rowOffsets: Uint32Array): Promise<IndexedFile> {
    const file = await FileWriter.create(join(this.#folder, name));
    try {
      for (const part of documentsContent(this.#ids, rowOffsets)) await file.write(part);
      await file.close();
    } catch (error) {
      await file.discard();
      throw error;
    }
    return { file: name, bytes: file.written, checksum: file.checksum };
  }
}

function checkId(id: string, known: Set<string>, where: string): void {
  if (toUSVString(id) !== id) throw new QuernError('BAD_INPUT', 'its id is not valid Unicode', { where });
  if (known.has(id)) throw new QuernError('BAD_INPUT', 'comes a second time', { where });
  if (known.size === maxSegmentEntries) {
    throw new QuernError('UNSUPPORTED', `a vector index has at most ${maxSegmentEntries} documents`, {
      where,
    });
  }
  known.add(id);
}

function noSuch(what: string, value: unknown, all: readonly string[]): QuernError {
  return new QuernError('USAGE', `no such ${what}: ${String(value)}`, {
    hint: `It is one of ${all.join(', ')}`,
  });
}
