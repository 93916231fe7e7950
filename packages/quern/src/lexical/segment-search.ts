import { ascendingOrder } from './ascending-order.ts';
import { denseCodesOf } from './dense-codes.ts';
import { FrequentTerms, type FrequentTerm } from './frequent-terms.ts';
import { kernelsOver, type Kernels } from './kernels.ts';
import { lowerBound } from './lower-bound.ts';
import { rareRange, Saturations, type SaturationParameters } from './saturations.ts';
import type { SearchColumns } from './search-columns.ts';
import { blockSize, SearchMemory, sumsAfterBlock } from './search-memory.ts';

/** The terms of a query that a segment has. */
export interface QueryTerms {
  /** Their numbers in the segment, ascending. */
  readonly numbers: Uint32Array;
  /** Their factors w(t,q) · idf(t). */
  readonly weights: Float64Array;
}

/** How a segment is searched: every posting is read, or only what can still change the hits. */
export type SearchPath = 'exhaustive' | 'pruned';

/** All paths. */
export const searchPaths: readonly SearchPath[] = ['exhaustive', 'pruned'];

/** What one search of a segment takes. */
export interface SegmentQuery {
  readonly terms: QueryTerms;
  readonly k: number;
  /** Documents whose 32-bit score is below cannot be hits. */
  readonly floor: number;
  /** Numbers of documents that cannot be hits. */
  readonly excluded: readonly number[];
  readonly path: SearchPath;
  readonly parameters: SaturationParameters;
}

/** The best documents of a segment, best first, and the work that it took. */
export interface SegmentRanking {
  readonly documents: Uint32Array;
  readonly scores: Float32Array;
  /** Postings added to a sum or looked for. */
  readonly postingsRead: number;
}

/** The documents of a block. `sums`: the address that the sum of document 0 would have. */
interface Block {
  readonly first: number;
  readonly count: number;
  readonly sums: number;
}

/**
 * Searches a segment, block of documents by block, on one of two paths that find the same documents with the same scores:
 *
 * - `exhaustive` adds up every posting of the query's terms, in ascending order of terms.
 * - `pruned` is MaxScore (Turtle and Flood 1995) with block maxima, a term at a time: the terms that bring the most score
 *   a posting come first, and as soon as the terms that are left can no longer lift a document without a certain sum above
 *   the k-th best score so far, only the documents with that sum are looked up in them. Where a document's score as a
 *   32-bit float could depend on the order of its sum, it is added up again in ascending order of terms.
 *
 * One is made for each thread; it keeps its working memory from search to search.
 */
export class SegmentSearch {
  readonly #columns: SearchColumns;
  readonly #kernels: Kernels;
  readonly #memory: SearchMemory;
  readonly #saturations: Saturations;
  readonly #frequentTerms: FrequentTerms;
  readonly #blocks: number;

  constructor(columns: SearchColumns) {
    this.#columns = columns;
    this.#kernels = kernelsOver(columns.memory);
    this.#memory = new SearchMemory(columns);
    const { table, rareSaturations } = this.#memory;
    this.#saturations = new Saturations(columns, table, rareSaturations);
    this.#frequentTerms = new FrequentTerms(columns, this.#kernels, table.byteOffset);
    this.#blocks = Math.ceil(columns.lengths.length / blockSize);
  }

  /** The best documents. */
  run({ terms, k, floor, excluded, path, parameters }: SegmentQuery): SegmentRanking {
    this.#compute(parameters);
    const memory = this.#memory;
    memory.emptyTop(Math.min(k, this.#columns.lengths.length), floor);
    memory.counts.fill(0);
    if (terms.numbers.length > 0) {
      if (path === 'pruned') this.#pruned(terms, excluded);
      else this.#exhaustive(terms, excluded);
    }
    const { documents, scores } = memory.taken;
    const size = this.#kernels.takeBest(memory.top, this.#columns.order.byteOffset, documents, scores);
    return { ...memory.copyTaken(size), postingsRead: memory.counts[0] };
  }

  /** The saturation of a posting of `term`, by its place: what w(t,d) is without idf. */
  saturationAt(term: number, posting: number, parameters: SaturationParameters): number {
    this.#compute(parameters);
    return this.#saturations.at(term, posting);
  }

  /** Adds `factor` times its saturation to the sum of each document that has `term`; returns how many postings that were. */
  addPostings(sums: Float64Array, term: number, factor: number, parameters: SaturationParameters): number {
    this.#compute(parameters);
    const { offsets, documents } = this.#columns;
    const end = offsets[term + 1];
    for (let posting = offsets[term]; posting < end; posting++) {
      sums[documents[posting]] += factor * this.#saturations.at(term, posting);
    }
    return end - offsets[term];
  }

  /** The place of a term's posting for a document, or -1. */
  postingOf(term: number, document: number): number {
    const { offsets, documents } = this.#columns;
    const end = offsets[term + 1];
    const place = this.#seek(offsets[term], end, document);
    return place < end && documents[place] === document ? place : -1;
  }

  #compute(parameters: SaturationParameters): void {
    if (this.#saturations.compute(parameters)) this.#frequentTerms.forget();
  }

  #exhaustive(terms: QueryTerms, excluded: readonly number[]): void {
    const { top, candidates, scratch } = this.#memory;
    const { numbers, weights } = terms;
    this.#memory.cursors.reserve(numbers.length);
    for (let i = 0; i < numbers.length; i++) this.#setCursor(i, numbers[i], weights[i]);
    for (let number = 0; number < this.#blocks; number++) {
      if (!this.#isReached(number, numbers.length)) continue;
      const block = this.#startedBlock(number, excluded);
      this.#addBlock(block, numbers.length);
      const { sums, first, count } = block;
      const { byteOffset: places } = this.#columns.places;
      this.#kernels.offerBlock(top, sums, first, count, places, candidates, scratch);
    }
  }

  #pruned(terms: QueryTerms, excluded: readonly number[]): void {
    const kernels = this.#kernels;
    const { top, candidates, scratch, table, frequent: records, counts } = this.#memory;
    const { documents, codes, places } = this.#columns;
    const frequent = this.#frequentFirst(terms);
    const others = terms.numbers.length - frequent.length;
    records.reserve(frequent.length + 1);
    for (let number = 0; number < this.#blocks; number++) {
      const block = this.#startedBlock(number, excluded);
      this.#addBlock(block, others);
      for (let i = 0; i < frequent.length; i++) {
        const { term, weight } = frequent[i];
        const { starts, largest, dense } = term;
        const [from, to] = [starts[number], starts[number + 1]];
        this.#memory.setFrequent(i, from, to, weight, weight * largest[number], dense);
      }
      const { sums, first, count } = block;
      const listed = kernels.candidatesOf(
        top,
        sums,
        first,
        count,
        documents.byteOffset,
        codes.byteOffset,
        table.byteOffset,
        records.address,
        frequent.length,
        candidates,
        scratch,
        counts.byteOffset,
      );
      if (listed === 0) continue;
      this.#settle(sums, terms, listed);
      kernels.offerListed(top, sums, candidates, listed, places.byteOffset);
      kernels.keepBest(top);
    }
  }

  /**
   * Sets cursors to the terms that are not frequent, and gives those that are: the ones that bring the most score a posting
   * first, as what comes last is left out first.
   */
  #frequentFirst({ numbers, weights }: QueryTerms): { term: FrequentTerm; weight: number }[] {
    const { offsets } = this.#columns;
    const frequent: { term: FrequentTerm; weight: number }[] = [];
    const worths = new Float32Array(numbers.length);
    let others = 0;
    this.#memory.cursors.reserve(numbers.length);
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i];
      const weight = weights[i];
      const postings = offsets[number + 1] - offsets[number];
      const term = this.#frequentTerms.of(number, postings);
      if (term === undefined) {
        this.#setCursor(others++, number, weight);
      } else {
        worths[frequent.length] = (weight * term.largestOfAll) / postings;
        frequent.push({ term, weight });
      }
    }
    // Positive floats have the order of their bits.
    const ascending = ascendingOrder(new Uint32Array(worths.buffer), frequent.length);
    return Array.from(ascending.toReversed(), (i) => frequent[i]);
  }

  /** Adds up again, in ascending order of terms, the candidates whose 32-bit score could depend on the order. */
  #settle(sums: number, { numbers, weights }: QueryTerms, listed: number): void {
    // Two orders of n positive summands differ by less than 2n units in the last place (Higham 2002, section 4.2).
    const error = (numbers.length + 2) * Number.EPSILON;
    const { candidates } = this.#memory;
    const doubtful = this.#kernels.doubtful(sums, candidates, listed, error);
    if (doubtful === 0) return;
    const { buffer } = this.#columns.memory;
    for (const document of new Uint32Array(buffer, candidates, doubtful)) {
      let sum = 0;
      for (const [i, number] of numbers.entries()) {
        const posting = this.postingOf(number, document);
        if (posting >= 0) sum += weights[i] * this.#saturations.at(number, posting);
      }
      new Float64Array(buffer, sums + 8 * document, 1)[0] = sum;
    }
  }

  /** Clears the sums of a block and keeps deleted and excluded documents out. */
  #startedBlock(number: number, excluded: readonly number[]): Block {
    const { lengths, deleted, memory } = this.#columns;
    const first = number * blockSize;
    const count = Math.min(blockSize, lengths.length - first);
    const sums = this.#memory.sums - 8 * first;
    this.#kernels.reset(sums, first, count + sumsAfterBlock);
    if (deleted.length > 0) {
      const from = lowerBound(deleted, 0, deleted.length, first);
      const to = lowerBound(deleted, from, deleted.length, first + count);
      this.#kernels.exclude(sums, deleted.byteOffset, from, to);
    }
    for (const document of excluded) {
      if (document >= first && document < first + count) {
        new Float64Array(memory.buffer, sums + 8 * document, 1)[0] = -Infinity;
      }
    }
    return { first, count, sums };
  }

  /** Whether the terms of the first `count` cursors may have postings in a block. */
  #isReached(number: number, count: number): boolean {
    const end = Math.min((number + 1) * blockSize, this.#columns.lengths.length);
    const { cursors } = this.#memory;
    return this.#kernels.reaches(this.#columns.documents.byteOffset, cursors.address, count, end) !== 0;
  }

  /** Adds the postings that the first `count` cursors stand at, up to the end of the block. */
  #addBlock({ first, count: documentCount, sums }: Block, count: number): void {
    const { documents, codes, rareDocuments } = this.#columns;
    const { table, rareSaturations, cursors, counts } = this.#memory;
    counts[0] += this.#kernels.addBlock(
      sums,
      documents.byteOffset,
      codes.byteOffset,
      table.byteOffset,
      rareDocuments.byteOffset,
      rareSaturations.byteOffset,
      cursors.address,
      count,
      first,
      first + documentCount,
    );
  }

  /** Sets the cursor at `place` to a term. */
  #setCursor(place: number, number: number, weight: number): void {
    const { offsets } = this.#columns;
    const postings = [offsets[number], offsets[number + 1]] as const;
    const dense = denseCodesOf(this.#columns, number);
    this.#memory.setCursor(place, postings, weight, rareRange(this.#columns, number), dense);
  }

  #seek(from: number, to: number, document: number): number {
    return this.#kernels.seek(this.#columns.documents.byteOffset, from, to, document);
  }
}
