import { rareCode } from './posting-codes.ts';
import type { SearchColumns } from './search-columns.ts';
import { grown } from './segment-memory.ts';
import type { SharedMemory } from './web-assembly.ts';

/** Documents that are scored at a time: their sums (256 KiB) stay in the processor's cache. */
export const blockSize = 1 << 15;

/** Sums after a block's last, which stay 0: the kernels look at eight at a time. */
export const sumsAfterBlock = 8;
/** Words of 32 bits that a cursor, and a frequent term, take; `kernels/` says what they hold. */
const cursorWords = 8;
const frequentWords = 12;
/** A histogram, and the largest sum of every eight documents; see `kernels/groups.ts`. */
const scratchBytes = 4 * 4096 + blockSize;

/** An array of records in the memory, seen as 32-bit words and as doubles. It moves when it grows. */
class Records {
  readonly #memory: SharedMemory;
  readonly #words: number;
  #capacity = 0;
  address = 0;
  words: Uint32Array = new Uint32Array(0);
  doubles: Float64Array = new Float64Array(0);

  constructor(memory: SharedMemory, words: number) {
    this.#memory = memory;
    this.#words = words;
  }

  /** Makes room for `count` records. */
  reserve(count: number): void {
    if (count <= this.#capacity) return;
    this.#capacity = Math.max(1024, 2 * count);
    const words = this.#capacity * this.#words;
    this.address = grown(this.#memory, 4 * words);
    this.words = new Uint32Array(this.#memory.buffer, this.address, words);
    this.doubles = new Float64Array(this.#memory.buffer, this.address, words / 2);
  }
}

/** The working memory of one thread that searches a segment: it lies beside the segment and is kept from search to search. */
export class SearchMemory {
  /** Address of a block's sums. */
  readonly sums: number;
  /** Address of a block's candidates. */
  readonly candidates: number;
  /** Address of what the kernels need in between. */
  readonly scratch: number;
  /** The saturations of all codes, and of the rare postings. */
  readonly table: Float64Array;
  readonly rareSaturations: Float64Array;
  /** Where the terms' postings stand. */
  readonly cursors: Records;
  /** The frequent terms' postings in a block. */
  readonly frequent: Records;
  /** How many postings were read, and after how many terms candidates were few; see `kernels/candidates.ts`. */
  readonly counts: Uint32Array;
  /** Address of the best k; see `kernels/best.ts`. */
  top = 0;
  readonly #memory: SharedMemory;
  readonly #order: Uint32Array;
  #capacity = 0;
  #header: Uint32Array = new Uint32Array(3);
  #threshold: Float32Array = new Float32Array(1);
  #documents: Uint32Array = new Uint32Array(0);
  #scores: Float32Array = new Float32Array(0);

  constructor({ memory, lengths, rareTerms, order }: SearchColumns) {
    this.#memory = memory;
    this.#order = order;
    const inBlock = Math.min(blockSize, lengths.length);
    const sizes = [
      8 * (inBlock + sumsAfterBlock),
      4 * inBlock,
      scratchBytes,
      8 * (rareCode + 1),
      8 * rareTerms.length,
      8,
    ].map((size) => Math.ceil(size / 8) * 8);
    let next = grown(
      memory,
      sizes.reduce((a, b) => a + b),
    );
    const [sums, candidates, scratch, table, rareSaturations, counts] = sizes.map((size) => {
      next += size;
      return next - size;
    });
    this.sums = sums;
    this.candidates = candidates;
    this.scratch = scratch;
    this.table = new Float64Array(memory.buffer, table, rareCode + 1);
    this.rareSaturations = new Float64Array(memory.buffer, rareSaturations, rareTerms.length);
    this.counts = new Uint32Array(memory.buffer, counts, 2);
    this.cursors = new Records(memory, cursorWords);
    this.frequent = new Records(memory, frequentWords);
  }

  /** Sets the cursor at `place`: see `kernels/postings.ts`. */
  setCursor(
    place: number,
    [from, to]: readonly [number, number],
    weight: number,
    [rare, lastRare]: readonly [number, number],
    dense: number,
  ): void {
    const { words, doubles } = this.cursors;
    const word = cursorWords * place;
    words[word] = from;
    words[word + 1] = to;
    doubles[word / 2 + 1] = weight;
    words[word + 4] = rare;
    words[word + 5] = lastRare;
    words[word + 6] = dense;
  }

  /** Sets the frequent term at `place`: see `kernels/candidates.ts`. */
  setFrequent(place: number, from: number, to: number, weight: number, most: number, dense: number): void {
    const { words, doubles } = this.frequent;
    const word = frequentWords * place;
    words[word] = from;
    words[word + 1] = to;
    doubles[word / 2 + 1] = weight;
    doubles[word / 2 + 2] = most;
    words[word + 6] = dense;
  }

  /** Empties the list of the best `k`; scores below `floor` do not enter. */
  emptyTop(k: number, floor: number): void {
    const most = this.#order.length + 1;
    const capacity = Math.min(most, Math.max(3 * k, 64) + 1);
    if (capacity > this.#capacity) {
      // What was there before is not given back, so it at least doubles.
      this.#capacity = Math.max(capacity, Math.min(2 * this.#capacity, most));
      const room = Math.ceil(this.#capacity / 2) * 8;
      // The header, the keys twice, the sort's counts; and what is taken out.
      this.top = grown(this.#memory, 16 + 16 * this.#capacity + 1024 + 2 * room);
      const documents = this.top + 16 + 16 * this.#capacity + 1024;
      const { buffer } = this.#memory;
      this.#header = new Uint32Array(buffer, this.top, 3);
      this.#threshold = new Float32Array(buffer, this.top + 12, 1);
      this.#documents = new Uint32Array(buffer, documents, this.#capacity);
      this.#scores = new Float32Array(buffer, documents + room, this.#capacity);
    }
    this.#header[0] = 0;
    this.#header[1] = k;
    this.#header[2] = capacity;
    this.#threshold[0] = floor;
  }

  /** Where the kernel `takeBest` puts documents and scores. */
  get taken(): { readonly documents: number; readonly scores: number } {
    return { documents: this.#documents.byteOffset, scores: this.#scores.byteOffset };
  }

  /** Copies of the first `size` documents and scores that `takeBest` left. */
  copyTaken(size: number): { documents: Uint32Array; scores: Float32Array } {
    return { documents: this.#documents.slice(0, size), scores: this.#scores.slice(0, size) };
  }
}
