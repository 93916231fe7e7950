import { toUSVString } from 'node:util';

const memoLimit = 1 << 16;

/** The sorted terms of an index: term ↔ number, by binary search over their UTF-8 as it lies in the file. */
export class TermDictionary {
  readonly #bytes: Buffer;
  readonly #offsets: Uint32Array;
  readonly #memo = new Map<string, number>();

  constructor(bytes: Uint8Array, offsets: Uint32Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#offsets = offsets;
  }

  /** How many terms there are. */
  get size(): number {
    return this.#offsets.length - 1;
  }

  /** The term with this number. */
  term(number: number): string {
    return this.#bytes.toString('utf8', this.#offsets[number], this.#offsets[number + 1]);
  }

  /** The number of `term`, or -1 where the index does not have it. */
  numberOf(term: string): number {
    const known = this.#memo.get(term);
    if (known !== undefined) return known;
    if (this.#memo.size === memoLimit) this.#memo.clear();
    // Half a surrogate pair would be encoded as U+FFFD and find the term that has it.
    const number = toUSVString(term) === term ? this.#find(Buffer.from(term)) : -1;
    this.#memo.set(term, number);
    return number;
  }

  #find(term: Buffer): number {
    let from = 0;
    let to = this.size - 1;
    while (from <= to) {
      const middle = (from + to) >>> 1;
      const order = this.#bytes.compare(
        term,
        0,
        term.length,
        this.#offsets[middle],
        this.#offsets[middle + 1],
      );
      if (order === 0) return middle;
      if (order < 0) from = middle + 1;
      else to = middle - 1;
    }
    return -1;
  }
}
