import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { fileError, throwIfAborted } from '../errors.ts';
import { readBytes, readInto } from '../lexical/file-writer.ts';
import { SegmentMemory } from '../lexical/segment-memory.ts';
import { queryVector } from './query-vector.ts';
import { damaged } from './vector-manifest.ts';
import { scannedQueries, VectorScan } from './vector-scan.ts';
import type { FoundDocuments, ScanTask, VectorRows } from './vector-scan.ts';

/** Bytes of vectors that are in memory at once. */
const pieceBytes = 1 << 22;

/** A file of vectors too many to be all in memory: documents are compared piece by piece, or as they are named. */
export class VectorFile {
  readonly rows: Omit<VectorRows, 'memory'>;
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #scan: VectorScan;
  /** The part of the memory where a piece lies, and that where the rows of one document do. */
  readonly #piece: Uint8Array;
  readonly #document: Uint8Array;
  /** The comparison of all that was asked for last: there is one piece for all of them. */
  #last: Promise<unknown> = Promise.resolve();
  readonly #documents: number;

  /** The file is closed with it. `longest`: how many rows a document has at most. */
  constructor(file: FileHandle, path: string, rows: Omit<VectorRows, 'memory'>, longest: number) {
    this.#file = file;
    this.#path = path;
    this.rows = rows;
    this.#documents = rows.rowOffsets.length - 1;
    const documentBytes = longest * rows.layout.bytes;
    const bytes = Math.max(pieceBytes, documentBytes);
    const room = new SegmentMemory(bytes + documentBytes + 8);
    const { memory } = room;
    this.#piece = new Uint8Array(memory.buffer, room.allocate(bytes), bytes);
    this.#document = new Uint8Array(memory.buffer, room.allocate(documentBytes), documentBytes);
    this.#scan = new VectorScan({ ...rows, memory }, longest);
  }

  /** How many cosines {@link best} has computed. */
  get cosines(): number {
    return this.#scan.cosines;
  }

  /** The best of all documents for each query, all vectors compared. */
  best(
    queries: readonly Float32Array[],
    task: Omit<ScanTask, 'queries'>,
    signal?: AbortSignal,
  ): Promise<FoundDocuments[]> {
    const found = this.#last.then(() => this.#best(queries, task, signal));
    this.#last = found.catch(() => undefined);
    return found;
  }

  /** The best of the named documents. */
  bestOf(
    documents: readonly number[],
    query: Float32Array,
    task: Pick<ScanTask, 'k' | 'aggregation'>,
  ): FoundDocuments {
    const { layout, rowOffsets } = this.rows;
    return this.#scan.bestOf(documents, task, queryVector(query, layout), (document) => {
      const start = rowOffsets[document] * layout.bytes;
      this.#read(this.#document.subarray(0, rowOffsets[document + 1] * layout.bytes - start), start);
      return this.#document.byteOffset;
    });
  }

  /** The rows of a document, one after the other. */
  async read(document: number): Promise<DataView> {
    const { layout, rowOffsets } = this.rows;
    const start = rowOffsets[document] * layout.bytes;
    const bytes = await readBytes(
      this.#file,
      this.#path,
      start,
      rowOffsets[document + 1] * layout.bytes - start,
    );
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #best(
    queries: readonly Float32Array[],
    task: Omit<ScanTask, 'queries'>,
    signal?: AbortSignal,
  ): Promise<FoundDocuments[]> {
    const { layout, rowOffsets } = this.rows;
    const prepared = queries.map((query) => queryVector(query, layout));
    const found: FoundDocuments[] = queries.map(() => ({ documents: [], scores: [] }));
    for (let first = 0; first < this.#documents;) {
      throwIfAborted(signal);
      const start = rowOffsets[first] * layout.bytes;
      let end = first + 1;
      while (end < this.#documents && rowOffsets[end + 1] * layout.bytes - start <= this.#piece.length) end++;
      const piece = this.#piece.subarray(0, rowOffsets[end] * layout.bytes - start);
      await readInto(piece, this.#file, this.#path, start);
      for (let from = 0; from < queries.length; from += scannedQueries) {
        const { isAdmitted } = task;
        const asked = {
          ...task,
          queries: prepared.slice(from, from + scannedQueries),
          isAdmitted: isAdmitted && ((document: number, query: number) => isAdmitted(document, from + query)),
        };
        const better = this.#scan.best(asked, first, end, this.#piece.byteOffset);
        for (const [i, { documents, scores }] of better.entries()) {
          for (const document of documents) found[from + i].documents.push(document);
          for (const score of scores) found[from + i].scores.push(score);
        }
      }
      first = end;
    }
    return found;
  }

  /** Reads at once: through the event loop, a few rows for each of many documents take ten times as long. */
  #read(bytes: Uint8Array, position: number): void {
    try {
      if (readSync(this.#file.fd, bytes, 0, bytes.length, position) === bytes.length) return;
    } catch (error) {
      throw fileError(error, this.#path);
    }
    throw damaged(this.#path, 'was cut while it was open');
  }
}
