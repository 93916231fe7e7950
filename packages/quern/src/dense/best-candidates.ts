/**
 * Documents that may be among the k best, when each score is off by `error` at most: what lies two errors below the k-th
 * best score cannot be. It holds few more than k, unless many are as good.
 */
export class BestCandidates {
  /** A score below this is none of a candidate. */
  bound = -Infinity;
  readonly #k: number;
  readonly #margin: number;
  #documents: number[] = [];
  #scores: number[] = [];
  #limit: number;

  constructor(k: number, error: number) {
    this.#k = k;
    // A little more, as the exact scores are compared as 32-bit floats.
    this.#margin = 2 * error + 2 ** -22;
    this.#limit = 2 * k + 64;
  }

  /** Adds a document whose score is not below the bound. */
  add(document: number, score: number): void {
    this.#documents.push(document);
    this.#scores.push(score);
    if (this.#documents.length >= this.#limit) this.#sift();
  }

  /** The candidates, in the order in which they came. */
  documents(): readonly number[] {
    this.#sift();
    return this.#documents;
  }

  #sift(): void {
    if (this.#scores.length <= this.#k) return;
    const kth = Float64Array.from(this.#scores).sort()[this.#scores.length - this.#k];
    this.bound = kth - this.#margin;
    const documents: number[] = [];
    const scores: number[] = [];
    for (let i = 0; i < this.#scores.length; i++) {
      if (this.#scores[i] < this.bound) continue;
      documents.push(this.#documents[i]);
      scores.push(this.#scores[i]);
    }
    this.#documents = documents;
    this.#scores = scores;
    this.#limit = 2 * Math.max(this.#k, documents.length) + 64;
  }
}
