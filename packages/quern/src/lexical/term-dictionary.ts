import { StringPool } from './string-pool.ts';

/** The sorted terms of an index: term ↔ number, by binary search over their UTF-8 as it lies in the file. */
export class TermDictionary {
  readonly #pool: StringPool;

  constructor(bytes: Uint8Array, offsets: Uint32Array) {
    this.#pool = new StringPool(bytes, offsets, (place) => place);
  }

  /** How many terms there are. */
  get size(): number {
    return this.#pool.size;
  }

  /** The term with this number. */
  term(number: number): string {
    return this.#pool.text(number);
  }

  /** The first term that does not lie above the one before it; -1 where all ascend. */
  firstOutOfOrder(): number {
    return this.#pool.firstOutOfOrder();
  }

  /** The number of `term`, or -1 where the index does not have it. */
  numberOf(term: string): number {
    return this.#pool.numberOf(term);
  }
}
