import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { compareHits } from '../collections/ranking-order.ts';
import type { Hit } from '../collections/records.ts';
import { QuernError, throwIfAborted } from '../errors.ts';
import { checkAggregation, type Aggregation } from './aggregation.ts';
import { readIndexed, verifyIndexed } from './checked-file.ts';
import type { DocumentSearch, DocumentTask } from './document-search.ts';
import { ExactSearch } from './exact-search.ts';
import { GraphSearch } from './graph-search.ts';
import { vectorLength } from './query-vector.ts';
import { readRow, rowLayout, type Precision, type RowLayout } from './row-layout.ts';
import { readDocuments, type VectorDocuments } from './vector-documents.ts';
import { damaged, readVectorManifest } from './vector-manifest.ts';
import type {
  IndexedEmbedder,
  IndexedFile,
  MeasuredRecall,
  SearchMethod,
  VectorManifest,
} from './vector-manifest.ts';
import type { FoundDocuments } from './vector-scan.ts';

/** How the documents nearest to a vector are searched. */
export interface VectorSearchOptions {
  /** How many hits at most. */
  readonly k: number;
  /** How a document's score comes of its passages' cosines. */
  readonly aggregate: Aggregation;
  /** Ids of documents that must not appear; unknown ones are ignored. */
  readonly excluded?: Iterable<string>;
  /** Whether a document may appear. It may be asked of every document, or of those only that would. */
  readonly isAdmitted?: (id: string) => boolean;
  /**
   * How many threads compare vectors, where there are more than takes some milliseconds. Default: as many as the machine runs
   * at once; at most four times as many. They stay, with their working memory, until the index is closed.
   */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** An open vector index; it stays as it is while another is written in its place. */
export class VectorIndex {
  readonly folder: string;
  readonly embedder: IndexedEmbedder;
  readonly precision: Precision;
  readonly method: SearchMethod;
  /** How many documents there are. */
  readonly documents: number;
  /** How many vectors they have together. */
  readonly vectors: number;
  /** What of the best is found; absent where all are. */
  readonly recall: MeasuredRecall | undefined;
  /** What its maker wanted to know of it. */
  readonly facts: unknown;
  readonly #manifest: VectorManifest;
  readonly #documents: VectorDocuments;
  readonly #layout: RowLayout;
  readonly #search: DocumentSearch;
  #isClosed = false;

  private constructor(
    folder: string,
    manifest: VectorManifest,
    documents: VectorDocuments,
    layout: RowLayout,
    search: DocumentSearch,
  ) {
    this.folder = folder;
    this.embedder = manifest.embedder;
    this.precision = manifest.precision;
    this.method = manifest.method;
    this.documents = manifest.documents;
    this.vectors = manifest.vectors;
    this.recall = manifest.recall;
    this.facts = manifest.facts;
    this.#manifest = manifest;
    this.#documents = documents;
    this.#layout = layout;
    this.#search = search;
  }

  /**
   * Opens the vector index in `folder`. All that it reads into memory is verified; the vectors of one with a graph are read
   * when they are needed, and verified by {@link verify} only. Throws `NOT_FOUND`, `CORRUPT_FILE`, `WRONG_VERSION`,
   * `MISSING_PACKAGE` where it has a graph and usearch is not installed, and `IO` for want of memory.
   */
  static async open(folder: string): Promise<VectorIndex> {
    let manifest = await readVectorManifest(folder);
    for (;;) {
      try {
        return await VectorIndex.#opened(folder, manifest);
      } catch (error) {
        // A writer may have replaced it since the manifest was read.
        const latest = await readVectorManifest(folder);
        if (latest.generation === manifest.generation) throw error;
        manifest = latest;
      }
    }
  }

  static async #opened(folder: string, manifest: VectorManifest): Promise<VectorIndex> {
    const { files, precision, embedder, vectors, longest } = manifest;
    const layout = rowLayout(precision, embedder.dimensions);
    if (files.vectors.bytes !== vectors * layout.bytes) {
      throw damaged(join(folder, files.vectors.file), 'is not as long as its vectors are');
    }
    const content = new SharedArrayBuffer(files.documents.bytes);
    await readIndexed(new Uint8Array(content), folder, files.documents);
    const documents = readDocuments(content, manifest, join(folder, files.documents.file));
    const { rowOffsets } = documents;
    const search = files.graph
      ? await GraphSearch.open(folder, files.vectors, files.graph, layout, rowOffsets, longest)
      : await ExactSearch.open(folder, files.vectors, layout, rowOffsets, longest);
    return new VectorIndex(folder, manifest, documents, layout, search);
  }

  /** The length of the vectors. */
  get dimensions(): number {
    return this.embedder.dimensions;
  }

  /** How many cosines of a vector and a query have been computed, exact ones of the best not counted again. */
  get cosines(): number {
    return this.#search.cosines;
  }

  /** The id of document `number`, 0 and up, in the order in which they came. */
  documentId(number: number): string {
    if (!Number.isInteger(number) || number < 0 || number >= this.documents) {
      throw new QuernError('USAGE', `there is no document ${number}: there are ${this.documents}`);
    }
    return this.#documents.ids.id(number);
  }

  /** Whether there is a document with this id. */
  has(id: string): boolean {
    return this.#documents.ids.numberOf(id) >= 0;
  }

  /** The vectors of a document's passages, as they are stored: of length 1. Throws `NOT_FOUND`. */
  async vectorsOf(id: string): Promise<Float32Array[]> {
    this.#checkOpen();
    const document = this.#documents.ids.numberOf(id);
    if (document < 0) {
      throw new QuernError('NOT_FOUND', `the vector index has no document ${JSON.stringify(id)}`);
    }
    const rows = await this.#search.rows(document);
    const { bytes } = this.#layout;
    return Array.from({ length: rows.byteLength / bytes }, (_, i) =>
      readRow(new DataView(rows.buffer, rows.byteOffset + i * bytes, bytes), this.#layout),
    );
  }

  /**
   * The k best documents by what their passages' cosines with `query` are aggregated to, in the order of `compareHits`. A
   * cosine is the product with the vector as it is stored, of length 1 as exactly as its precision allows, over the length of
   * `query`, summed in double precision; scores are rounded to 32-bit floats. Throws
   * `BAD_INPUT` for a query vector of another number of dimensions, zero or not finite, `USAGE`, and `ABORTED`.
   */
  async search(query: Float32Array, options: VectorSearchOptions): Promise<Hit[]> {
    for await (const hits of this.searchEach([query], options)) return hits;
    return [];
  }

  /**
   * The hits of many queries, one query's after the other, each as {@link search} finds them; a block of vectors is read once
   * for many of them. Throws as `search` does.
   */
  async *searchEach(
    queries: readonly Float32Array[],
    options: VectorSearchOptions,
  ): AsyncGenerator<Hit[], void> {
    const { k } = options;
    this.#checkOpen();
    const task = this.#task(options);
    for (const query of queries) vectorLength(query, this.dimensions, 'the query vector');
    for await (const found of this.#search.found(queries, task)) yield this.#hits(found, k);
  }

  /**
   * Reads every file whole and verifies its checksum; throws `CORRUPT_FILE`, also where the index has been replaced since it
   * was opened.
   */
  async verify(): Promise<void> {
    this.#checkOpen();
    for (const file of Object.values(this.#manifest.files) as IndexedFile[]) {
      await verifyIndexed(this.folder, file);
    }
  }

  /** Ends the threads; the index is of no use any more. Closing twice does no harm. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#search.close();
  }

  /** What the options say, checked. */
  #task(options: VectorSearchOptions): DocumentTask {
    const { k, aggregate, excluded = [], isAdmitted, threads = availableParallelism(), signal } = options;
    throwIfAborted(signal);
    for (const [name, value] of Object.entries({ k, threads })) {
      if (Number.isSafeInteger(value) && value >= 1) continue;
      throw new QuernError('USAGE', `${name} must be a positive whole number, not ${value}`);
    }
    checkAggregation(aggregate);
    const { ids } = this.#documents;
    return {
      k,
      aggregation: aggregate,
      excluded: new Set(Array.from(excluded, (id) => ids.numberOf(id)).filter((number) => number >= 0)),
      isAdmitted: isAdmitted && ((document) => isAdmitted(ids.id(document))),
      threads,
      signal,
    };
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new QuernError('USAGE', 'this vector index is closed');
  }

  #hits({ documents, scores }: FoundDocuments, k: number): Hit[] {
    return documents
      .map((document, i) => ({ id: this.#documents.ids.id(document), score: scores[i] }))
      .sort(compareHits)
      .slice(0, k)
      .map(({ id, score }, i) => ({ id, score, rank: i + 1 }));
  }
}
