/**
 * Comparing queries with all vectors of a range of documents. It goes in two steps, and its result is that of the second:
 * first all cosines as the kernels sum them in floats, which are off by a known bound at most, then those of the documents
 * that can still be among the k best, summed in double precision in one order. So a document's score does not depend on which
 * others, how many queries or how many threads it was found among.
 */
import { grown } from '../lexical/segment-memory.ts';
import type { SharedMemory } from '../lexical/web-assembly.ts';
import { aggregated, type Aggregation } from './aggregation.ts';
import { BestCandidates } from './best-candidates.ts';
import { queryBytes, type QueryVector } from './query-vector.ts';
import type { RowLayout } from './row-layout.ts';
import { vectorKernelsOver, type VectorKernels } from './vector-kernels.ts';

/** Vectors of documents, the rows of each one adjacent. */
export interface VectorRows {
  readonly memory: SharedMemory;
  readonly layout: RowLayout;
  /** Where each document's rows begin, and the last one's end: one more than there are documents. */
  readonly rowOffsets: Uint32Array;
}

/** What is looked for. */
export interface ScanTask {
  /** At most {@link scannedQueries}. */
  readonly queries: readonly QueryVector[];
  readonly k: number;
  readonly aggregation: Aggregation;
  /** Whether a document may be in the ranking of a query; asked of those only that would be. */
  readonly isAdmitted?: (document: number, query: number) => boolean;
}

/** The best documents for a query: k of them, and those that are as good as the last of these. In no order. */
export interface FoundDocuments {
  readonly documents: number[];
  /** Cosines, or what they are aggregated to, rounded to 32-bit floats. */
  readonly scores: number[];
}

/** How many queries are compared at once. */
export const scannedQueries = 32;

/** Bytes of rows that are compared with all the queries before the next: about as many as the cache next to a core holds. */
const blockBytes = 1 << 17;

/** From how many queries on rows of halves are made floats first. */
const fewestDecoded = 4;

/** The rows of a document are in one block, so that its score is known at the block's end. */
export class VectorScan {
  /** Cosines of a vector and a query computed so far. */
  cosines = 0;
  readonly #rows: VectorRows;
  readonly #kernels: VectorKernels;
  readonly #queries: number;
  readonly #exactQuery: number;
  readonly #outBytes: number;
  readonly #out: number;
  /** Where rows of halves are written as floats: for several queries that is less work than to decode them each time. */
  readonly #floats: number;
  readonly #blockRows: number;
  readonly #longest: number;

  /** `longest`: how many rows a document has at most. */
  constructor(rows: VectorRows, longest: number) {
    this.#rows = rows;
    this.#longest = longest;
    const { memory, layout } = rows;
    this.#kernels = vectorKernelsOver(memory);
    this.#blockRows = Math.max(16, Math.floor(blockBytes / layout.bytes));
    // A block ends with the document that makes it full. Exact products, doubles, of one document are written there too.
    const most = this.#blockRows + longest;
    this.#outBytes = 8 * most;
    const queriesBytes = scannedQueries * queryBytes(layout);
    const exactBytes = 8 * layout.width;
    const outBytes = scannedQueries * this.#outBytes;
    const floatBytes = layout.precision === 'f16' ? 4 * layout.width * most : 0;
    const address = grown(memory, queriesBytes + exactBytes + outBytes + floatBytes);
    this.#queries = address;
    this.#exactQuery = address + queriesBytes;
    this.#out = this.#exactQuery + exactBytes;
    this.#floats = this.#out + outBytes;
  }

  /**
   * For each query, the best of the documents from `first` up to, but without, `end`. `address` is where the rows of the
   * first of them lie.
   */
  best(task: ScanTask, first: number, end: number, address: number): FoundDocuments[] {
    const { queries, k } = task;
    const { memory, layout, rowOffsets } = this.#rows;
    const bytes = new Uint8Array(memory.buffer);
    for (const [i, query] of queries.entries())
      bytes.set(query.bytes, this.#queries + i * queryBytes(layout));
    const candidates = queries.map(({ error }) => new BestCandidates(k, error));
    const origin = address - rowOffsets[first] * layout.bytes;
    for (let from = first; from < end;) {
      let to = from + 1;
      while (to < end && rowOffsets[to] - rowOffsets[from] < this.#blockRows) to++;
      this.#compare(
        origin + rowOffsets[from] * layout.bytes,
        rowOffsets[to] - rowOffsets[from],
        queries.length,
      );
      for (let query = 0; query < queries.length; query++)
        this.#choose(candidates[query], task, query, from, to);
      from = to;
    }
    return candidates.map((chosen, query) =>
      this.#exact(
        chosen.documents(),
        task,
        queries[query],
        (document) => origin + rowOffsets[document] * layout.bytes,
      ),
    );
  }

  /** The best of these documents, whose rows are where `addressOf` says. */
  bestOf(
    documents: readonly number[],
    task: Omit<ScanTask, 'queries' | 'isAdmitted'>,
    query: QueryVector,
    addressOf: (document: number) => number,
  ): FoundDocuments {
    return this.#exact(documents, task, query, addressOf);
  }

  #compare(rows: number, count: number, queries: number): void {
    const { layout } = this.#rows;
    const { bytes, width, precision } = layout;
    const { scoresF32, scoresF16, scoresI8, floats } = this.#kernels;
    const asFloats = precision === 'f16' && queries >= fewestDecoded;
    if (asFloats) floats(rows, count, bytes, width, this.#floats);
    const scores = asFloats ? scoresF32 : { f32: scoresF32, f16: scoresF16, i8: scoresI8 }[precision];
    const [from, stride] = asFloats ? [this.#floats, 4 * width] : [rows, bytes];
    scores(from, count, stride, width, this.#queries, queries, queryBytes(layout), this.#out, this.#outBytes);
    this.cosines += count * queries;
  }

  #choose(
    candidates: BestCandidates,
    { aggregation, isAdmitted }: ScanTask,
    query: number,
    from: number,
    to: number,
  ): void {
    const { memory, rowOffsets } = this.#rows;
    const start = rowOffsets[from];
    const cosines = new Float32Array(
      memory.buffer,
      this.#out + query * this.#outBytes,
      rowOffsets[to] - start,
    );
    const isSingle = cosines.length === to - from;
    let { bound } = candidates;
    for (let document = from; document < to; document++) {
      const row = isSingle ? document - from : rowOffsets[document] - start;
      const next = isSingle ? row + 1 : rowOffsets[document + 1] - start;
      const score = next === row + 1 ? cosines[row] : aggregated(cosines, row, next, aggregation);
      if (score < bound || (isAdmitted && !isAdmitted(document, query))) continue;
      candidates.add(document, score);
      ({ bound } = candidates);
    }
  }

  #exact(
    documents: readonly number[],
    { k, aggregation }: Omit<ScanTask, 'queries'>,
    { components, factor }: QueryVector,
    addressOf: (document: number) => number,
  ): FoundDocuments {
    const { memory, layout, rowOffsets } = this.#rows;
    const { productsF32, productsF16, productsI8 } = this.#kernels;
    const products = { f32: productsF32, f16: productsF16, i8: productsI8 }[layout.precision];
    const query = new Float64Array(memory.buffer, this.#exactQuery, layout.width);
    query.fill(0);
    query.set(components);
    const cosines = new Float64Array(memory.buffer, this.#out, this.#longest);
    const scores = documents.map((document) => {
      const count = rowOffsets[document + 1] - rowOffsets[document];
      products(addressOf(document), count, layout.bytes, layout.width, this.#exactQuery, this.#out);
      return Math.fround(aggregated(cosines, 0, count, aggregation) * factor);
    });
    const kth = scores.length > k ? Float64Array.from(scores).sort()[scores.length - k] : -Infinity;
    const kept = documents.map((_, i) => i).filter((i) => scores[i] >= kth);
    return { documents: kept.map((i) => documents[i]), scores: kept.map((i) => scores[i]) };
  }
}
