/**
 * The k best of the documents offered to it. Order: higher score first, ties by descending byte order of ids, which
 * `places` gives.
 *
 * Candidates are gathered in a buffer of 3k; when it is full, a partial sort keeps the best k, and the worst of them
 * becomes the threshold for what comes. That costs a constant time a candidate, where a heap costs log k, which is felt at k = 1,000.
 */
export class TopDocuments {
  readonly #k: number;
  readonly #placesOf: Uint32Array;
  readonly #documents: Uint32Array;
  readonly #scores: Float32Array;
  readonly #places: Uint32Array;
  #size = 0;
  #threshold = 0;

  /**
   * `placesOf`: document number → place in ascending byte order of ids; `order`: its inverse.
   */
  constructor(k: number, placesOf: Uint32Array, order: Uint32Array) {
    this.#k = Math.min(k, order.length);
    this.#placesOf = placesOf;
    this.#documents = order;
    const capacity = Math.min(order.length, Math.max(3 * this.#k, 64));
    this.#scores = new Float32Array(capacity);
    this.#places = new Uint32Array(capacity);
  }

  /** Scores below this cannot enter any more; one that equals it can, by its id. */
  get threshold(): number {
    return this.#threshold;
  }

  /** Offers a document, once, with a positive score, which is rounded to a 32-bit float. */
  offer(document: number, score: number): void {
    if (this.#size === this.#scores.length) this.#keepBest();
    const rounded = Math.fround(score);
    if (rounded < this.#threshold) return;
    this.#scores[this.#size] = rounded;
    this.#places[this.#size++] = this.#placesOf[document];
  }

  /** The best documents and their scores, best first. */
  take(): { documents: Uint32Array; scores: Float32Array } {
    if (this.#size > this.#k) this.#keepBest();
    this.#sort(0, this.#size - 1);
    const scores = this.#scores.slice(0, this.#size);
    const documents = this.#places.slice(0, this.#size);
    for (let i = 0; i < documents.length; i++) documents[i] = this.#documents[documents[i]];
    return { documents, scores };
  }

  /** Moves the best k to the front of the buffer, drops the others and raises the threshold (Hoare's selection). */
  #keepBest(): void {
    if (this.#k === this.#size) return;
    let [from, to] = [0, this.#size - 1];
    while (from < to) {
      const middle = this.#partition(from, to);
      if (this.#k - 1 <= middle) to = middle;
      else from = middle + 1;
    }
    this.#size = this.#k;
    this.#threshold = this.#scores[this.#k - 1];
  }

  #sort(from: number, to: number): void {
    while (to - from > 12) {
      const middle = this.#partition(from, to);
      if (middle - from < to - middle) {
        this.#sort(from, middle);
        from = middle + 1;
      } else {
        this.#sort(middle + 1, to);
        to = middle;
      }
    }
    for (let i = from + 1; i <= to; i++) {
      for (let j = i; j > from && this.#isBetter(j, this.#scores[j - 1], this.#places[j - 1]); j--)
        this.#swap(j, j - 1);
    }
  }

  /** Splits [from, to] so that nothing at or before the returned slot is worse than anything after it. */
  #partition(from: number, to: number): number {
    const pivot = (from + to) >>> 1;
    const score = this.#scores[pivot];
    const place = this.#places[pivot];
    let i = from - 1;
    let j = to + 1;
    for (;;) {
      do i++;
      while (this.#isBetter(i, score, place));
      do j--;
      while (this.#isWorse(j, score, place));
      if (i >= j) return j;
      this.#swap(i, j);
    }
  }

  #isBetter(slot: number, score: number, place: number): boolean {
    const there = this.#scores[slot];
    return there > score || (there === score && this.#places[slot] > place);
  }

  #isWorse(slot: number, score: number, place: number): boolean {
    const there = this.#scores[slot];
    return there < score || (there === score && this.#places[slot] < place);
  }

  #swap(i: number, j: number): void {
    const score = this.#scores[i];
    const place = this.#places[i];
    this.#scores[i] = this.#scores[j];
    this.#places[i] = this.#places[j];
    this.#scores[j] = score;
    this.#places[j] = place;
  }
}
