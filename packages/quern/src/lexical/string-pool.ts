import { toUSVString } from 'node:util';

/**
 * Strings as they lie in an index file: their UTF-8 one after the other, and the places where each starts and ends. A
 * string is found by its bytes through `sorted`, which gives the number of the string at each place in byte order.
 */
export class StringPool {
  readonly #bytes: Buffer;
  readonly #offsets: Uint32Array | Float64Array;
  readonly #sorted: (place: number) => number;

  constructor(bytes: Uint8Array, offsets: Uint32Array | Float64Array, sorted: (place: number) => number) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#offsets = offsets;
    this.#sorted = sorted;
  }

  /** How many strings there are. */
  get size(): number {
    return this.#offsets.length - 1;
  }

  /** The string with this number. */
  text(number: number): string {
    return this.#bytes.toString('utf8', this.#offsets[number], this.#offsets[number + 1]);
  }

  /** The first number in byte order whose string does not lie above the one before it; -1 where all ascend. */
  firstOutOfOrder(): number {
    for (let place = 1; place < this.size; place++) {
      const [before, number] = [this.#sorted(place - 1), this.#sorted(place)];
      const [from, to] = [this.#offsets[number], this.#offsets[number + 1]];
      const [start, end] = [this.#offsets[before], this.#offsets[before + 1]];
      if (this.#bytes.compare(this.#bytes, start, end, from, to) <= 0) return number;
    }
    return -1;
  }

  /** The number of `text`, or -1 where it is not in the pool. */
  numberOf(text: string): number {
    // Half a surrogate pair would be encoded as U+FFFD and find the string that has it.
    if (toUSVString(text) !== text) return -1;
    const wanted = Buffer.from(text);
    let from = 0;
    let to = this.size - 1;
    while (from <= to) {
      const middle = (from + to) >>> 1;
      const number = this.#sorted(middle);
      const [start, end] = [this.#offsets[number], this.#offsets[number + 1]];
      const order = this.#bytes.compare(wanted, 0, wanted.length, start, end);
      if (order === 0) return number;
      if (order < 0) from = middle + 1;
      else to = middle - 1;
    }
    return -1;
  }
}
