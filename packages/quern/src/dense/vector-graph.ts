/**
 * A graph of near neighbours (HNSW: Malkov and Yashunin 2020, IEEE TPAMI 42(4)), built and searched by usearch. It has its own
 * copy of the vectors, as 16-bit floats; who searches it compares what it finds exactly, so this costs no precision.
 */
import type { Index } from 'usearch';
import { QuernError } from '../errors.ts';

/**
 * Neighbours of a vector on each level; how many candidates are looked at for a vector that is added; and for a query, at
 * least. The first two are usearch's defaults.
 */
export const graphSettings = { connectivity: 16, expansionAdd: 128, expansionSearch: 128 };

/** usearch, an optional package. Throws `MISSING_PACKAGE`. */
export async function usearchPackage(): Promise<typeof import('usearch')> {
  try {
    return await import('usearch');
  } catch (error) {
    throw new QuernError('MISSING_PACKAGE', 'usearch, which searches graphs of vectors, cannot be loaded', {
      hint: 'Install it: npm install usearch@2.25.3',
      cause: error,
    });
  }
}

/** A graph of rows, numbered from 0. */
export class VectorGraph {
  readonly #index: Index;
  #size = 0;

  private constructor(index: Index) {
    this.#index = index;
  }

  /** An empty graph for vectors with `width` components. */
  static async create(width: number): Promise<VectorGraph> {
    const { Index: UsearchIndex, MetricKind, ScalarKind } = await usearchPackage();
    const { connectivity, expansionAdd, expansionSearch } = graphSettings;
    return new VectorGraph(
      new UsearchIndex({
        dimensions: width,
        metric: MetricKind.IP,
        quantization: ScalarKind.F16,
        connectivity,
        expansion_add: expansionAdd,
        expansion_search: expansionSearch,
        multi: false,
      }),
    );
  }

  /** The graph in a file, mapped into memory as it is needed. Its content must have been verified: usearch trusts it. */
  static async view(path: string, width: number, rows: number): Promise<VectorGraph> {
    const graph = await VectorGraph.create(width);
    graph.#index.view(path);
    graph.#size = graph.#index.size();
    if (graph.#size === rows && Number(graph.#index.dimensions()) === width) return graph;
    throw new QuernError('CORRUPT_FILE', 'is a graph of other vectors', {
      where: path,
      hint: 'The vector index is damaged: build it again',
    });
  }

  /** Adds rows, `width` components each, of length 1. With one thread, the same rows make the same graph. */
  add(rows: Float32Array, width: number, threads: number): void {
    const keys = BigUint64Array.from({ length: rows.length / width }, (_, i) => BigInt(this.#size + i));
    this.#index.add(keys, rows, threads);
    this.#size += keys.length;
  }

  save(path: string): void {
    this.#index.save(path);
  }

  /** About the `count` rows nearest to `query`, of length 1 and `width` components, the nearest first, and their cosines. */
  nearest(query: Float32Array, count: number): { rows: number[]; cosines: number[] } {
    const { keys, distances } = this.#index.search(query, count, 1);
    return { rows: Array.from(keys, Number), cosines: Array.from(distances, (distance) => 1 - distance) };
  }
}
