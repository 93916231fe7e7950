import type { Impacts, PostingColumns } from './postings.ts';
import type { TopDocuments } from './top-documents.ts';

/** A term of a query: its number in the index and its weight w(t,q). */
export interface QueryTerm {
  readonly term: number;
  readonly weight: number;
}

/** Documents that are scored at a time: their sums (256 KiB) stay in the processor's cache. */
const blockSize = 1 << 15;

/**
 * The path that reads every posting of the query's terms. One is made for an index and its impacts; it keeps the memory
 * for the sums from search to search, as fresh memory costs as much as the adding.
 */
export class ExhaustiveSearch {
  readonly #columns: PostingColumns;
  readonly #impacts: Impacts;
  readonly #sums: Float64Array;
  readonly #addShares: AddShares;

  constructor(columns: PostingColumns, impacts: Impacts) {
    this.#columns = columns;
    this.#impacts = impacts;
    this.#sums = new Float64Array(Math.min(blockSize, columns.lengths.length));
    this.#addShares = sharesAdder(this.#sums, columns.documents, impacts.weights);
  }

  /**
   * Scores every document that has a term of the query, and offers it to `top`. Term by term, in ascending order of
   * their numbers and in double precision: a document's score is the same sum in the same order whatever the query's
   * order, the block or the path. `terms` must be ascending; `excluded` holds document numbers that are left out.
   * Returns the number of postings that were read.
   */
  run(terms: readonly QueryTerm[], excluded: readonly number[], top: TopDocuments): number {
    const { offsets, documents, lengths } = this.#columns;
    const sums = this.#sums;
    const addShares = this.#addShares;
    const total = lengths.length;
    for (const { term } of terms) this.#impacts.prepare(term);
    const cursors = Uint32Array.from(terms, ({ term }) => offsets[term]);
    let read = 0;
    for (let start = 0; start < total; start += blockSize) {
      const end = Math.min(start + blockSize, total);
      sums.fill(0);
      let touched = false;
      for (let i = 0; i < terms.length; i++) {
        const from = cursors[i];
        const last = offsets[terms[i].term + 1];
        const to = end === total ? last : firstFrom(documents, from, last, end);
        addShares(start, terms[i].weight, from, to);
        cursors[i] = to;
        read += to - from;
        touched ||= to > from;
      }
      if (!touched) continue;
      for (const document of excluded) if (document >= start && document < end) sums[document - start] = 0;
      top.offer(start, sums.subarray(0, end - start));
    }
    return read;
  }
}

/** Adds `weight · w(t,d)` to the sums of the documents of the postings [from, to), the block starting at `start`. */
type AddShares = (start: number, weight: number, from: number, to: number) => void;

/**
 * The innermost loop, bound to its arrays: as long as a process has one index open, V8 takes them for constants and runs
 * it twice as fast as with the arrays as parameters. Four postings a turn: with one, half of the time goes into the loop
 * itself. A term has a document once, so the order within is free.
 */
function sharesAdder(sums: Float64Array, documents: Int32Array, weights: Float64Array): AddShares {
  return (start, weight, from, to) => {
    let p = from;
    for (const last = to - 3; p < last; p += 4) {
      const a = documents[p] - start;
      const b = documents[p + 1] - start;
      const c = documents[p + 2] - start;
      const d = documents[p + 3] - start;
      sums[a] += weight * weights[p];
      sums[b] += weight * weights[p + 1];
      sums[c] += weight * weights[p + 2];
      sums[d] += weight * weights[p + 3];
    }
    for (; p < to; p++) sums[documents[p] - start] += weight * weights[p];
  };
}

/** The first place in the ascending `documents[from…to)` that holds `document` or more. */
function firstFrom(documents: Int32Array, from: number, to: number, document: number): number {
  while (from < to) {
    const middle = from + ((to - from) >>> 1);
    if (documents[middle] < document) from = middle + 1;
    else to = middle;
  }
  return from;
}
