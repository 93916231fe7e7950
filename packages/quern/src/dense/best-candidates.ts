/**
 * Documents that may be among the k best, when each score is off by `error` at most: what lies two errors below the k-th
 * best score cannot be. It holds few more than k, unless many are as good.
 */
export class BestCandidates {
  /** A score below this is none of a candidate. */
  bound = -Infinity;
  readonly #k: number;
  readonly #margin: number;
  #documents: Uint32Array;
  #scores: Float64Array;
  #size = 0;

  constructor(k: number, error: number) {
    this.#k = k;
    // A little more, as the exact scores are compared as 32-bit floats.
    this.#margin = 2 * error + 2 ** -22;
    const room = Math.min(2 * k, 1 << 16) + 64;
    this.#documents = new Uint32Array(room);
    this.#scores = new Float64Array(room);
  }

  /** Adds a document whose score is not below the bound. */
  add(document: number, score: number): void {
    if (this.#size === this.#scores.length) this.#makeRoom();
    this.#documents[this.#size] = document;
    this.#scores[this.#size++] = score;
  }

  /** The candidates, in the order in which they came. */
  documents(): readonly number[] {
    this.#sift();
    return Array.from(this.#documents.subarray(0, this.#size));
  }

  /** Drops what is no candidate any more, and where too much is left, doubles the room. */
  #makeRoom(): void {
    this.#sift();
    if (4 * this.#size <= 3 * this.#scores.length) return;
    const documents = new Uint32Array(2 * this.#scores.length);
    const scores = new Float64Array(2 * this.#scores.length);
    documents.set(this.#documents);
    scores.set(this.#scores);
    this.#documents = documents;
    this.#scores = scores;
  }

  #sift(): void {
    if (this.#size <= this.#k) return;
    this.bound = this.#scores.slice(0, this.#size).sort()[this.#size - this.#k] - this.#margin;
    let size = 0;
    for (let i = 0; i < this.#size; i++) {
      if (this.#scores[i] < this.bound) continue;
      this.#documents[size] = this.#documents[i];
      this.#scores[size++] = this.#scores[i];
    }
    this.#size = size;
  }
}
