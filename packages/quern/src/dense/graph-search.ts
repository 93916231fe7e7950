import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { throwIfAborted } from '../errors.ts';
import { lowerBound } from '../lexical/lower-bound.ts';
import { openIndexed, verifyIndexed } from './checked-file.ts';
import { admits, type DocumentSearch, type DocumentTask } from './document-search.ts';
import { vectorLength } from './query-vector.ts';
import type { RowLayout } from './row-layout.ts';
import { VectorFile } from './vector-file.ts';
import { VectorGraph } from './vector-graph.ts';
import type { IndexedFile } from './vector-manifest.ts';
import type { FoundDocuments } from './vector-scan.ts';

/** The least number of rows that the graph is asked for, and how many for each that is wanted: of more it gives better ones. */
const fewestRows = 64;
const rowsEach = 4;

/** How far the graph's cosines, of 16-bit floats, can be from those of the vectors in the file, by a good margin. */
const cosineError = 4e-3;

/** Where the graph would have to give more than this share of all rows, all are compared: it takes no longer, and is exact. */
const largestShare = 1 / 8;

/**
 * Finds documents by the graph of their vectors. It gives the nearest rows, more and more of them, until these are of enough
 * documents; those are then compared exactly, by the vectors in the file, which are not in memory.
 */
export class GraphSearch implements DocumentSearch {
  readonly #graph: VectorGraph;
  readonly #file: VectorFile;
  #rowsFound = 0;

  constructor(graph: VectorGraph, file: VectorFile) {
    this.#graph = graph;
    this.#file = file;
  }

  /** Opens the graph, verified, and the vectors, of which only the length is. */
  static async open(
    folder: string,
    vectors: IndexedFile,
    graph: IndexedFile,
    layout: RowLayout,
    rowOffsets: Uint32Array,
    longest: number,
  ): Promise<GraphSearch> {
    await verifyIndexed(folder, graph);
    const rows = rowOffsets[rowOffsets.length - 1];
    const opened = await VectorGraph.view(join(folder, graph.file), layout.width, rows);
    const file = await openIndexed(folder, vectors);
    try {
      const path = join(folder, vectors.file);
      return new GraphSearch(opened, new VectorFile(file, path, { layout, rowOffsets }, longest));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The rows that the graph gave, and the cosines that were computed where it was not asked. */
  get cosines(): number {
    return this.#rowsFound + this.#file.cosines;
  }

  async *found(queries: readonly Float32Array[], task: DocumentTask): AsyncGenerator<FoundDocuments, void> {
    const { k, aggregation, signal } = task;
    const isAdmitted = (document: number): boolean => admits(task, document);
    for (const query of queries) {
      await setImmediate();
      throwIfAborted(signal);
      const near = this.#near(query, task);
      if (near) yield near;
      else yield* await this.#file.best([query], { k, aggregation, isAdmitted }, signal);
    }
  }

  rows(document: number): Promise<DataView> {
    return this.#file.read(document);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** The best of the documents that the graph leads to; undefined where it would have to give too many rows. */
  #near(query: Float32Array, task: DocumentTask): FoundDocuments | undefined {
    const { layout, rowOffsets } = this.#file.rows;
    const { k, aggregation, excluded } = task;
    const isMean = typeof aggregation === 'object';
    const documents = rowOffsets.length - 1;
    const rows = rowOffsets[documents];
    const wanted = Math.min(documents, k);
    const length = vectorLength(query, layout.dimensions, 'the query vector');
    const unit = new Float32Array(layout.width);
    for (let i = 0; i < query.length; i++) unit[i] = query[i] / length;
    let count = Math.max(fewestRows, Math.ceil((rowsEach * wanted * rows) / documents) + excluded.size);
    for (; count <= rows * largestShare; count *= 2) {
      const nearest = this.#graph.nearest(unit, count);
      this.#rowsFound += nearest.rows.length;
      const near = new Set<number>();
      let least = -Infinity;
      for (const [i, row] of nearest.rows.entries()) {
        if (nearest.cosines[i] < least) break;
        const document = lowerBound(rowOffsets, 0, documents, row + 1) - 1;
        if (aggregation === 'first' && rowOffsets[document] !== row) continue;
        if (near.has(document) || !admits(task, document)) continue;
        near.add(document);
        // The rest by their best vectors, where it is these that count.
        if (near.size === wanted && !isMean) least = nearest.cosines[i] - 2 * cosineError;
      }
      if (near.size < wanted) continue;
      const found = this.#file.bestOf([...near], query, task);
      // A mean is no higher than the best of what it is of: no document with farther vectors can have a better one.
      if (!isMean || leastOf(found.scores) >= nearest.cosines.at(-1)!) return found;
    }
    return undefined;
  }
}

function leastOf(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Infinity);
}
