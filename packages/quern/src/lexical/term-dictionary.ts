import { StringPool } from './string-pool.ts';

const memoLimit = 1 << 16;

/** The sorted terms of an index: term ↔ number, by binary search over their UTF-8 as it lies in the file. */
export class TermDictionary {
  readonly #pool: StringPool;
  readonly #memo = new Map<string, number>();

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

  /** The number of `term`, or -1 where the index does not have it. */
  numberOf(term: string): number {
    const known = this.#memo.get(term);
    if (known !== undefined) return known;
    if (this.#memo.size === memoLimit) this.#memo.clear();
    const number = this.#pool.numberOf(term);
    this.#memo.set(term, number);
    return number;
  }
}
