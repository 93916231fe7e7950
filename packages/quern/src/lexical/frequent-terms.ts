import { denseCodesOf } from './dense-codes.ts';
import type { Kernels } from './kernels.ts';
import { rareRange } from './saturations.ts';
import type { SearchColumns } from './search-columns.ts';
import { blockSize } from './search-memory.ts';

/** From so many postings a block on, or fewer in small segments, leaving a term out is worth something. */
const perBlock = 256;
const documentsPerPosting = 64;
const fewest = 32;

/** A term with many postings, block by block. */
export interface FrequentTerm {
  /** Places where its postings of each block start; one more than blocks. */
  readonly starts: Uint32Array;
  /** The largest saturation in each block, and of all. */
  readonly largest: Float64Array;
  readonly largestOfAll: number;
  /** Where the code of document 0 lies, if its codes lie by document; else 0. */
  readonly dense: number;
}

/** The frequent terms of a segment, looked at when they are first asked for. */
export class FrequentTerms {
  readonly #columns: SearchColumns;
  readonly #kernels: Kernels;
  readonly #table: number;
  readonly #blocks: number;
  readonly #leastPostings: number;
  readonly #starts = new Map<number, Uint32Array>();
  readonly #terms = new Map<number, FrequentTerm | undefined>();

  /** `table`: where the kernels find the saturations. */
  constructor(columns: SearchColumns, kernels: Kernels, table: number) {
    this.#columns = columns;
    this.#kernels = kernels;
    this.#table = table;
    const documents = columns.lengths.length;
    this.#blocks = Math.ceil(documents / blockSize);
    this.#leastPostings = Math.max(
      fewest,
      Math.min(perBlock * this.#blocks, documents / documentsPerPosting),
    );
  }

  /** Forgets what depends on the saturations. */
  forget(): void {
    this.#terms.clear();
  }

  /** What is known of a term with so many postings; undefined where it is not frequent, or has postings without a code. */
  of(term: number, postings: number): FrequentTerm | undefined {
    if (postings < this.#leastPostings) return undefined;
    const known = this.#terms.get(term);
    if (known !== undefined || this.#terms.has(term)) return known;
    const [rare, lastRare] = rareRange(this.#columns, term);
    const found = rare < lastRare ? undefined : this.#lookedAt(term);
    this.#terms.set(term, found);
    return found;
  }

  #lookedAt(term: number): FrequentTerm {
    const { codes } = this.#columns;
    const starts = this.#startsOf(term);
    const largest = new Float64Array(this.#blocks);
    for (let block = 0; block < this.#blocks; block++) {
      const [from, to] = [starts[block], starts[block + 1]];
      largest[block] = this.#kernels.largestSaturation(codes.byteOffset, from, to, this.#table);
    }
    const largestOfAll = largest.reduce((a, b) => Math.max(a, b));
    return { starts, largest, largestOfAll, dense: denseCodesOf(this.#columns, term) };
  }

  #startsOf(term: number): Uint32Array {
    const known = this.#starts.get(term);
    if (known) return known;
    const { offsets, documents } = this.#columns;
    const starts = new Uint32Array(this.#blocks + 1);
    starts[0] = offsets[term];
    for (let block = 1; block <= this.#blocks; block++) {
      const [from, document] = [starts[block - 1], block * blockSize];
      starts[block] = this.#kernels.seek(documents.byteOffset, from, offsets[term + 1], document);
    }
    this.#starts.set(term, starts);
    return starts;
  }
}
