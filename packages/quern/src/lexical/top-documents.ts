/**
 * The k best of the documents offered to it. Order: higher score first, ties by descending byte order of ids, which
 * `places` gives.
 *
 * A candidate is one double, its key: the upper 32 bits are the score as a 32-bit float, the lower ones its place. Scores
 * are positive, and positive doubles have the order of their bits, so comparing keys compares scores and then places.
 *
 * Keys are gathered in a buffer of 3k; when it is full, a partial sort keeps the best k, and the worst of them becomes
 * the threshold for what comes. That costs a constant time a candidate, where a heap costs log k, which is felt at
 * k = 1,000.
 */
export class TopDocuments {
  readonly #k: number;
  readonly #placesOf: Uint32Array;
  readonly #documents: Uint32Array;
  readonly #keys: Float64Array;
  /** The keys' bits as pairs (place, score), on a little-endian machine. */
  readonly #places: Uint32Array;
  readonly #scores: Float32Array;
  #size = 0;
  /** Scores below this cannot enter any more; one that equals it can, by its id. */
  #threshold = 0;

  /**
   * `placesOf`: document number → place in ascending byte order of ids; `order`: its inverse.
   */
  constructor(k: number, placesOf: Uint32Array, order: Uint32Array) {
    this.#k = Math.min(k, order.length);
    this.#placesOf = placesOf;
    this.#documents = order;
    this.#keys = new Float64Array(Math.min(order.length, Math.max(3 * this.#k, 64)));
    this.#places = new Uint32Array(this.#keys.buffer);
    this.#scores = new Float32Array(this.#keys.buffer);
  }

  /**
   * Offers the documents from number `first` on, whose scores are `scores`: none twice, and 0 for a document that is not
   * a candidate. Scores are rounded to 32-bit floats.
   */
  offer(first: number, scores: Float64Array): void {
    const keys = this.#keys;
    const places = this.#places;
    const floats = this.#scores;
    const placesOf = this.#placesOf;
    let threshold = this.#threshold;
    let size = this.#size;
    for (let i = 0; i < scores.length; i++) {
      const score = scores[i];
      if (score === 0 || Math.fround(score) < threshold) continue;
      if (size === keys.length) {
        this.#keepBest(size);
        size = this.#size;
        threshold = this.#threshold;
        if (Math.fround(score) < threshold) continue;
      }
      const slot = 2 * size++;
      places[slot] = placesOf[first + i];
      floats[slot + 1] = score;
    }
    this.#size = size;
  }

  /** The best documents and their scores, best first. */
  take(): { documents: Uint32Array; scores: Float32Array } {
    if (this.#size > this.#k) this.#keepBest(this.#size);
    const size = this.#size;
    this.#keys.subarray(0, size).sort();
    const documents = new Uint32Array(size);
    const scores = new Float32Array(size);
    for (let i = 0, slot = 2 * (size - 1); i < size; i++, slot -= 2) {
      documents[i] = this.#documents[this.#places[slot]];
      scores[i] = this.#scores[slot + 1];
    }
    return { documents, scores };
  }

  /** Moves the best k to the front of the buffer, drops the others and raises the threshold. */
  #keepBest(size: number): void {
    selectLargest(this.#keys, size, this.#k);
    this.#size = this.#k;
    this.#threshold = this.#scores[2 * this.#k - 1];
  }
}

/** Reorders the first `size` keys so that the `k` largest come first, the smallest of them last (Hoare's selection). */
function selectLargest(keys: Float64Array, size: number, k: number): void {
  let from = 0;
  let to = size - 1;
  while (from < to) {
    const pivot = keys[(from + to) >>> 1];
    let i = from - 1;
    let j = to + 1;
    for (;;) {
      do i++;
      while (keys[i] > pivot);
      do j--;
      while (keys[j] < pivot);
      if (i >= j) break;
      const key = keys[i];
      keys[i] = keys[j];
      keys[j] = key;
    }
    // Nothing up to j is less than anything after it.
    if (k - 1 <= j) to = j;
    else from = j + 1;
  }
}
