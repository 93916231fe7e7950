import { lengthNorm, saturation, type Bm25Parameters } from './bm25.ts';
import { kernelsOver, type Kernels } from './kernels.ts';
import { lowerBound } from './lower-bound.ts';
import { rareCode } from './posting-codes.ts';
import type { SearchColumns } from './search-columns.ts';
import { grown } from './segment-memory.ts';

/** The terms of a query that a segment has. */
export interface QueryTerms {
  /** Their numbers in the segment, ascending. */
  readonly numbers: Uint32Array;
  /** Their factors w(t,q) · idf(t). */
  readonly weights: Float64Array;
}

/** How a segment is searched; see {@link SegmentSearch}. */
export type SearchPath = 'exhaustive' | 'pruned';

/** What the saturation of a posting depends on, beside the posting. */
export interface SaturationParameters extends Bm25Parameters {
  /** Tokens of a document on average, over the whole index. */
  readonly averageLength: number;
}

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

/** Documents that are scored at a time: their sums (256 KiB) stay in the processor's cache. */
export const blockSize = 1 << 15;

/** Postings a block from which on a term's starts and maxima are kept, as leaving it out is worth something. */
const frequentPerBlock = 256;
/** What finding a candidate's posting costs, in postings added. */
const probeCost = 24;
/** What reading all sums of a block costs, in postings added. */
const scanCost = 4096;
/** Room for rounding in comparisons of bounds; far above what a sum of doubles or a 32-bit score can be off by. */
const slack = 1e-6;
/** What the smallest 32-bit scores can be off by. */
const smallest = 1e-45;

const cursorBytes = 24;
/** Of the kernel `raise`: a histogram, and the largest sum of every eight documents. */
const scratchBytes = 4 * 4096 + blockSize;

/** A term with many postings, block by block. */
interface FrequentTerm {
  /** Places where its postings of each block start; one more than blocks. */
  readonly starts: Uint32Array;
  /** The largest saturation in each block. */
  readonly largest: Float64Array;
}

/** The documents of a block. `sums`: the address that the sum of document 0 would have. */
interface Block {
  readonly first: number;
  readonly count: number;
  readonly sums: number;
}

/** The frequent terms of a query on the pruned path, in the order in which they are added. */
interface PrunedTerm extends FrequentTerm {
  readonly weight: number;
  /** The most score that a posting brings. */
  readonly worth: number;
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
  readonly #blocks: number;
  /** Addresses of the working memory. */
  readonly #sums: number;
  readonly #candidates: number;
  readonly #scratch: number;
  readonly #table: number;
  readonly #rareSaturations: number;
  /** Where the best k are gathered, and where the terms' cursors are; how many fit. */
  #top = 0;
  #best = 0;
  #topCapacity = 0;
  #cursors = 0;
  #cursorCapacity = 0;
  /** What the table was made for. */
  #parameters: SaturationParameters | undefined;
  readonly #starts = new Map<number, Uint32Array>();
  readonly #largest = new Map<number, Float64Array>();
  #postingsRead = 0;

  constructor(columns: SearchColumns) {
    this.#columns = columns;
    this.#kernels = kernelsOver(columns.memory);
    const total = columns.lengths.length;
    this.#blocks = Math.ceil(total / blockSize);
    const inBlock = Math.min(blockSize, total);
    // Eight sums more, which stay 0, as the kernels look at eight at a time.
    const sizes = [
      (inBlock + 8) * 8,
      inBlock * 4,
      scratchBytes,
      (rareCode + 1) * 8,
      columns.rareTerms.length * 8,
    ].map((size) => Math.ceil(size / 8) * 8);
    let next = grown(
      columns.memory,
      sizes.reduce((a, b) => a + b),
    );
    [this.#sums, this.#candidates, this.#scratch, this.#table, this.#rareSaturations] = sizes.map(
      (size) => {
        next += size;
        return next - size;
      },
    );
  }

  /** The best documents. */
  run({ terms, k, floor, excluded, path, parameters }: SegmentQuery): SegmentRanking {
    this.#setParameters(parameters);
    const most = Math.min(k, this.#columns.lengths.length);
    this.#prepareTop(most, floor);
    this.#postingsRead = 0;
    if (terms.numbers.length > 0) {
      if (path === 'pruned') this.#pruned(terms, excluded);
      else this.#exhaustive(terms, excluded);
    }
    return { ...this.#taken(), postingsRead: this.#postingsRead };
  }

  /** The saturation of a posting of `term`, by its place: what w(t,d) is without idf. */
  saturationAt(term: number, posting: number, parameters: SaturationParameters): number {
    this.#setParameters(parameters);
    const { codes, documents, rareDocuments, memory } = this.#columns;
    const code = codes[posting];
    if (code !== rareCode) return new Float64Array(memory.buffer, this.#table, rareCode)[code];
    const [from, to] = this.#rareRange(term);
    const place = lowerBound(rareDocuments, from, to, documents[posting]);
    return new Float64Array(memory.buffer, this.#rareSaturations, to)[place] ?? 0;
  }

  /** The place of a term's posting for a document, or -1. */
  postingOf(term: number, document: number): number {
    const { offsets, documents } = this.#columns;
    const end = offsets[term + 1];
    const place = this.#seek(offsets[term], end, document);
    return place < end && documents[place] === document ? place : -1;
  }

  #exhaustive(terms: QueryTerms, excluded: readonly number[]): void {
    const all = Uint32Array.from(terms.numbers.keys());
    this.#setCursors(terms, all);
    for (let block = 0; block < this.#blocks; block++) this.#exhaustiveBlock(block, all.length, excluded);
  }

  /** Scores a block from every posting of the `count` terms that the cursors stand at. */
  #exhaustiveBlock(number: number, count: number, excluded: readonly number[]): void {
    const block = this.#startedBlock(number, excluded);
    if (this.#addBlock(block, count) === 0) return;
    const { sums, first } = block;
    const top = this.#top;
    if (this.#threshold() === 0) this.#kernels.raise(top, sums, first, block.count, this.#scratch);
    this.#kernels.offerAll(top, sums, first, block.count, this.#columns.places.byteOffset);
  }

  #pruned(terms: QueryTerms, excluded: readonly number[]): void {
    const { offsets } = this.#columns;
    const sparse: number[] = [];
    const frequent: PrunedTerm[] = [];
    for (const [i, number] of terms.numbers.entries()) {
      const term = this.#frequentTerm(number);
      if (!term) {
        sparse.push(i);
        continue;
      }
      const weight = terms.weights[i];
      const most = weight * term.largest.reduce((a, b) => Math.max(a, b));
      frequent.push({ ...term, weight, worth: most / (offsets[number + 1] - offsets[number]) });
    }
    // The most score a posting first: what comes last is left out first.
    frequent.sort((a, b) => b.worth - a.worth);

    let start = 0;
    this.#setCursors(terms, Uint32Array.from(terms.numbers.keys()));
    for (; start < this.#blocks && this.#threshold() === 0; start++) {
      // Nothing to prune by yet.
      this.#exhaustiveBlock(start, terms.numbers.length, excluded);
      this.#kernels.keepBest(this.#top);
    }
    this.#setCursors(terms, Uint32Array.from(sparse), start * blockSize);
    /** At i: the most that the frequent terms from i on can bring in the block, and their postings in it. */
    const bounds = new Float64Array(frequent.length + 1);
    const postings = new Float64Array(frequent.length + 1);
    for (let number = start; number < this.#blocks; number++) {
      for (let i = frequent.length - 1; i >= 0; i--) {
        const { weight, largest, starts } = frequent[i];
        bounds[i] = bounds[i + 1] + weight * largest[number];
        postings[i] = postings[i + 1] + starts[number + 1] - starts[number];
      }
      const block = this.#startedBlock(number, excluded);
      this.#addBlock(block, sparse.length);
      const listed = this.#candidatesOf(block, number, frequent, bounds, postings);
      if (listed === 0) continue;
      this.#settle(block.sums, terms, listed);
      const { places } = this.#columns;
      this.#kernels.offerListed(this.#top, block.sums, this.#candidates, listed, places.byteOffset);
      this.#kernels.keepBest(this.#top);
    }
  }

  /** Adds the frequent terms to the sums as far as it takes to list the block's candidates; returns how many they are. */
  #candidatesOf(
    { first, count, sums }: Block,
    number: number,
    frequent: readonly PrunedTerm[],
    bounds: Float64Array,
    postings: Float64Array,
  ): number {
    const kernels = this.#kernels;
    const candidates = this.#candidates;
    const documents = this.#columns.documents.byteOffset;
    const codes = this.#columns.codes.byteOffset;
    const table = this.#table;
    const threshold = this.#threshold();
    /** A smaller sum cannot make a hit with what `bound` can still bring. */
    const least = (bound: number): number =>
      Math.max(threshold * (1 - slack) - bound * (1 + slack) - smallest, Number.MIN_VALUE);
    /** How many candidates are listed; -1 while all documents are. */
    let listed = -1;
    let sinceScan = Infinity;
    let scanAfter = 0;
    for (const [i, { weight, starts }] of frequent.entries()) {
      const from = starts[number];
      const to = starts[number + 1];
      if (from === to) continue;
      const needed = least(bounds[i]);
      if (listed < 0 && needed > Number.MIN_VALUE && sinceScan >= scanAfter && postings[i] > 2 * scanCost) {
        const would = kernels.countFrom(sums, first, count, needed) >>> 0;
        if (would * probeCost * (frequent.length - i) < postings[i]) {
          listed = kernels.listFrom(sums, first, count, needed, candidates) >>> 0;
        } else {
          sinceScan = 0;
          scanAfter = Math.max(2 * scanCost, postings[i] / 8);
        }
      }
      if (listed === 0) return 0;
      if (listed > 0 && listed * probeCost < to - from) {
        this.#postingsRead += listed;
        const after = least(bounds[i + 1]);
        listed =
          kernels.probe(sums, candidates, listed, documents, codes, from, to, weight, table, after) >>> 0;
        continue;
      }
      kernels.add(sums, documents, codes, from, to, weight, table);
      this.#postingsRead += to - from;
      sinceScan += to - from;
      if (listed > 0) listed = kernels.keep(sums, candidates, listed, least(bounds[i + 1])) >>> 0;
    }
    return listed < 0 ? kernels.listFrom(sums, first, count, least(0), candidates) >>> 0 : listed;
  }

  /** Adds up again, in ascending order of terms, the candidates whose 32-bit score could depend on the order. */
  #settle(sums: number, { numbers, weights }: QueryTerms, listed: number): void {
    // Two orders of n positive summands differ by less than 2n units in the last place (Higham 2002, section 4.2).
    const error = (numbers.length + 2) * Number.EPSILON;
    const doubtful = this.#kernels.doubtful(sums, this.#candidates, listed, error) >>> 0;
    const { buffer } = this.#columns.memory;
    for (const document of new Uint32Array(buffer, this.#candidates, doubtful)) {
      let sum = 0;
      for (const [i, number] of numbers.entries()) {
        const posting = this.postingOf(number, document);
        if (posting >= 0) sum += weights[i] * this.saturationAt(number, posting, this.#parameters!);
      }
      new Float64Array(buffer, sums + 8 * document, 1)[0] = sum;
    }
  }

  /** Clears the sums of a block and keeps deleted and excluded documents out. */
  #startedBlock(number: number, excluded: readonly number[]): Block {
    const { lengths, deleted, memory } = this.#columns;
    const first = number * blockSize;
    const count = Math.min(blockSize, lengths.length - first);
    const sums = this.#sums - 8 * first;
    this.#kernels.reset(sums, first, count + 8);
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

  /** Adds the postings that the first `count` cursors stand at, up to the end of the block; returns how many. */
  #addBlock({ first, count: documentCount, sums }: Block, count: number): number {
    const { documents, codes, rareDocuments } = this.#columns;
    const added =
      this.#kernels.addBlock(
        sums,
        documents.byteOffset,
        codes.byteOffset,
        this.#table,
        rareDocuments.byteOffset,
        this.#rareSaturations,
        this.#cursors,
        count,
        first + documentCount,
      ) >>> 0;
    this.#postingsRead += added;
    return added;
  }

  /** Sets cursors to the terms at `which` of the query, from document `first` on. */
  #setCursors({ numbers, weights }: QueryTerms, which: Uint32Array, first = 0): void {
    const { memory, offsets, rareTerms, rareDocuments } = this.#columns;
    if (which.length > this.#cursorCapacity) {
      this.#cursorCapacity = Math.max(1024, 2 * which.length);
      this.#cursors = grown(memory, cursorBytes * this.#cursorCapacity);
    }
    const words = new Uint32Array(memory.buffer, this.#cursors, which.length * (cursorBytes / 4));
    const doubles = new Float64Array(memory.buffer, this.#cursors, which.length * (cursorBytes / 8));
    for (let i = 0; i < which.length; i++) {
      const number = numbers[which[i]];
      const to = offsets[number + 1];
      words[6 * i] = first === 0 ? offsets[number] : this.#seek(offsets[number], to, first);
      words[6 * i + 1] = to;
      doubles[3 * i + 1] = weights[which[i]];
      const [rare, lastRare] = rareTerms.length === 0 ? [0, 0] : this.#rareRange(number);
      words[6 * i + 4] = lowerBound(rareDocuments, rare, lastRare, first);
      words[6 * i + 5] = lastRare;
    }
  }

  #seek(from: number, to: number, document: number): number {
    return this.#kernels.seek(this.#columns.documents.byteOffset, from, to, document) >>> 0;
  }

  #rareRange(term: number): [number, number] {
    const { rareTerms } = this.#columns;
    const from = lowerBound(rareTerms, 0, rareTerms.length, term);
    return [from, lowerBound(rareTerms, from, rareTerms.length, term + 1)];
  }

  /** A term with many postings a block; undefined for others, and for one with rare postings. */
  #frequentTerm(term: number): FrequentTerm | undefined {
    const { offsets, codes } = this.#columns;
    const from = offsets[term];
    const end = offsets[term + 1];
    if (end - from < frequentPerBlock * this.#blocks) return undefined;
    const [rare, lastRare] = this.#rareRange(term);
    if (rare < lastRare) return undefined;
    let starts = this.#starts.get(term);
    if (!starts) {
      starts = new Uint32Array(this.#blocks + 1);
      starts[0] = from;
      for (let block = 1; block <= this.#blocks; block++) {
        starts[block] = this.#seek(starts[block - 1], end, block * blockSize);
      }
      this.#starts.set(term, starts);
    }
    let largest = this.#largest.get(term);
    if (!largest) {
      largest = new Float64Array(this.#blocks);
      for (let block = 0; block < this.#blocks; block++) {
        const [first, last] = [starts[block], starts[block + 1]];
        largest[block] = this.#kernels.largestSaturation(codes.byteOffset, first, last, this.#table);
      }
      this.#largest.set(term, largest);
    }
    return { starts, largest };
  }

  /** Computes the saturations of all codes, and of the rare postings, unless they are there. */
  #setParameters(parameters: SaturationParameters): void {
    const { k1, b, averageLength } = parameters;
    const of = this.#parameters;
    if (of?.k1 === k1 && of.b === b && of.averageLength === averageLength) return;
    this.#parameters = { k1, b, averageLength };
    const { codeFrequencies, codeLengths, rareDocuments, rareFrequencies, lengths, memory } = this.#columns;
    const saturationOf = (frequency: number, length: number): number =>
      saturation(frequency, lengthNorm(length, averageLength, parameters));
    const table = new Float64Array(memory.buffer, this.#table, rareCode + 1);
    for (let code = 0; code < codeFrequencies.length; code++) {
      table[code] = saturationOf(codeFrequencies[code], codeLengths[code]);
    }
    table[rareCode] = 0;
    const rare = new Float64Array(memory.buffer, this.#rareSaturations, rareDocuments.length);
    for (let i = 0; i < rare.length; i++) {
      rare[i] = saturationOf(rareFrequencies[i], lengths[rareDocuments[i]]);
    }
    this.#largest.clear();
  }

  /** An empty list of the best k; scores below `floor` do not enter. */
  #prepareTop(k: number, floor: number): void {
    const { memory, lengths } = this.#columns;
    const capacity = Math.min(lengths.length, Math.max(3 * k, 64)) + 1;
    if (capacity > this.#topCapacity) {
      // What was there before is not given back, so it at least doubles.
      this.#topCapacity = Math.max(capacity, Math.min(2 * this.#topCapacity, lengths.length + 1));
      this.#top = grown(memory, 16 + 16 * this.#topCapacity + 1024);
      this.#best = grown(memory, 8 * this.#topCapacity);
    }
    new Uint32Array(memory.buffer, this.#top, 3).set([0, k, capacity]);
    new Float32Array(memory.buffer, this.#top + 12, 1)[0] = floor;
  }

  #threshold(): number {
    return new Float32Array(this.#columns.memory.buffer, this.#top + 12, 1)[0];
  }

  #taken(): { documents: Uint32Array; scores: Float32Array } {
    const { memory, order } = this.#columns;
    const documents = this.#best;
    const scores = documents + 4 * this.#topCapacity;
    const size = this.#kernels.takeBest(this.#top, order.byteOffset, documents, scores) >>> 0;
    return {
      documents: new Uint32Array(memory.buffer, documents, size).slice(),
      scores: new Float32Array(memory.buffer, scores, size).slice(),
    };
  }
}
