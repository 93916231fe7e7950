/**
 * Numbers by hashes of 48 bits, in two typed arrays of at most 24 bytes a number (a `Map` takes some 100, and no more than
 * 16.7 million). Open addressing; its size is fixed.
 */
export class NumbersByHash {
  readonly #hashes: Float64Array;
  /** Each one more than it is: 0 is a free place. */
  readonly #numbers: Uint32Array;

  /** A table for at most `count` numbers. */
  constructor(count: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(8, count * 1.34)));
    this.#hashes = new Float64Array(size);
    this.#numbers = new Uint32Array(size);
  }

  get(hash: number): number | undefined {
    const number = this.#numbers[this.#placeOf(hash)];
    return number === 0 ? undefined : number - 1;
  }

  set(hash: number, number: number): void {
    const place = this.#placeOf(hash);
    this.#hashes[place] = hash;
    this.#numbers[place] = number + 1;
  }

  /** Where a hash is, or would be. */
  #placeOf(hash: number): number {
    const mask = this.#hashes.length - 1;
    let place = hash % this.#hashes.length;
    while (this.#numbers[place] !== 0 && this.#hashes[place] !== hash) place = (place + 1) & mask;
    return place;
  }
}
