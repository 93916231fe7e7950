import { availableParallelism } from 'node:os';
import { orAborted, QuernError, throwIfAborted } from '../errors.ts';
import { lowerBound } from '../lexical/lower-bound.ts';
import { SegmentMemory } from '../lexical/segment-memory.ts';
import { readIndexed } from './checked-file.ts';
import { admits, type DocumentSearch, type DocumentTask } from './document-search.ts';
import { queryVector } from './query-vector.ts';
import type { RowLayout } from './row-layout.ts';
import type { ScanRequest, SharedRows } from './scan-thread.ts';
import { ScanThreads } from './scan-threads.ts';
import type { IndexedFile } from './vector-manifest.ts';
import { scannedQueries, VectorScan, type FoundDocuments } from './vector-scan.ts';

/** Products of components up to which the caller's thread does all: some milliseconds. */
const smallWork = 1 << 25;

/** Queries that the threads are asked at once, and how many times that they are asked ahead of the caller. */
const queriesAtOnce = 4 * scannedQueries;
const batchesAhead = 2;

/** More threads than these on each core are not started: each has working memory of its own. */
const threadsPerCore = 4;

/** Finds the nearest documents by comparing all vectors, which are in memory. */
export class ExactSearch implements DocumentSearch {
  cosines = 0;
  readonly #rows: SharedRows;
  readonly #documents: number;
  readonly #threads: ScanThreads;
  #scan: VectorScan | undefined;

  private constructor(rows: SharedRows) {
    this.#rows = rows;
    this.#documents = rows.rowOffsets.length - 1;
    this.#threads = new ScanThreads(rows);
  }

  /** Reads the vectors. Throws `CORRUPT_FILE`, and `IO` for want of memory. */
  static async open(
    folder: string,
    file: IndexedFile,
    layout: RowLayout,
    rowOffsets: Uint32Array,
    longest: number,
  ): Promise<ExactSearch> {
    const room = new SegmentMemory(file.bytes);
    const address = room.allocate(file.bytes);
    const { memory } = room;
    await readIndexed(new Uint8Array(memory.buffer, address, file.bytes), folder, file);
    return new ExactSearch({ memory, layout, rowOffsets, address, longest });
  }

  async *found(queries: readonly Float32Array[], task: DocumentTask): AsyncGenerator<FoundDocuments, void> {
    const { rowOffsets, layout } = this.#rows;
    const work = rowOffsets[this.#documents] * layout.width * queries.length;
    yield* work < smallWork ? this.#here(queries, task) : this.#onThreads(queries, task);
  }

  async rows(document: number): Promise<DataView> {
    const { memory, layout, rowOffsets, address } = this.#rows;
    const [from, to] = [rowOffsets[document], rowOffsets[document + 1]];
    return new DataView(memory.buffer, address + from * layout.bytes, (to - from) * layout.bytes);
  }

  close(): Promise<void> {
    return this.#threads.close(new QuernError('USAGE', 'this vector index is closed'));
  }

  *#here(queries: readonly Float32Array[], task: DocumentTask): Generator<FoundDocuments, void> {
    const { layout, address, longest } = this.#rows;
    const scan = (this.#scan ??= new VectorScan(this.#rows, longest));
    const { k, aggregation } = task;
    for (let from = 0; from < queries.length; from += scannedQueries) {
      const prepared = queries.slice(from, from + scannedQueries).map((query) => queryVector(query, layout));
      const isAdmitted = (document: number): boolean => admits(task, document);
      const before = scan.cosines;
      yield* scan.best({ queries: prepared, k, aggregation, isAdmitted }, 0, this.#documents, address);
      this.cosines += scan.cosines - before;
    }
  }

  async *#onThreads(
    queries: readonly Float32Array[],
    task: DocumentTask,
  ): AsyncGenerator<FoundDocuments, void> {
    const { k, aggregation, signal } = task;
    const excluded = this.#excluded(task);
    const shares = this.#shares(Math.min(task.threads, threadsPerCore * availableParallelism()));
    const underWay: Promise<FoundDocuments[]>[] = [];
    for (let from = 0; from < queries.length || underWay.length > 0;) {
      throwIfAborted(signal);
      if (from < queries.length && underWay.length < batchesAhead) {
        const batch = queries.slice(from, from + queriesAtOnce);
        from += queriesAtOnce;
        const found = this.#together(
          shares.map(([first, end]) => ({ queries: batch, k, aggregation, excluded, first, end })),
        );
        // It may fail before its turn comes, or when nobody wants it any more.
        found.catch(() => undefined);
        underWay.push(found);
      } else {
        const first = underWay.shift()!;
        yield* await (signal ? orAborted(first, signal) : first);
      }
    }
  }

  /** What the threads, which have a share of the documents each, find together for each query. */
  async #together(requests: readonly ScanRequest[]): Promise<FoundDocuments[]> {
    const parts = await Promise.all(requests.map((request, i) => this.#threads.scanned(i, request)));
    for (const { cosines } of parts) this.cosines += cosines;
    return requests[0].queries.map((_, query) => ({
      documents: parts.flatMap(({ found }) => found[query].documents),
      scores: parts.flatMap(({ found }) => found[query].scores),
    }));
  }

  /** The documents in `count` shares, of about as many vectors each. */
  #shares(count: number): [first: number, end: number][] {
    const { rowOffsets } = this.#rows;
    const rows = rowOffsets[this.#documents];
    const bounds = Array.from({ length: count + 1 }, (_, i) =>
      lowerBound(rowOffsets, 0, this.#documents, Math.floor((rows * i) / count)),
    );
    return bounds
      .slice(1)
      .map((end, i): [number, number] => [bounds[i], end])
      .filter(([first, end]) => first < end);
  }

  /** The documents that must not appear; threads cannot ask the caller. */
  #excluded(task: DocumentTask): Uint32Array {
    if (!task.isAdmitted) return Uint32Array.from(task.excluded).sort();
    const excluded: number[] = [];
    for (let document = 0; document < this.#documents; document++) {
      if (!admits(task, document)) excluded.push(document);
    }
    return Uint32Array.from(excluded);
  }
}
