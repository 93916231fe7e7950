/**
 * Codes of postings. What BM25's saturation takes of a posting is its term frequency and its document's length, and a
 * corpus has few distinct pairs of them: a posting holds the number of its pair in 16 bits, and a search looks up the
 * pair's saturation in a table that it computes for its parameters and the corpus's average length. So no weight of a
 * posting is ever computed or stored, whatever the parameters and however the corpus grows.
 *
 * The 65,535 most frequent pairs have codes; a posting of another one has the code `rareCode` and an entry in a list of its
 * own. Such postings are few, unless the documents are many and long and of widely different lengths.
 */
export const rareCode = 0xffff;

/** Counts the pairs of a corpus, then numbers them, the most frequent first. */
export class PostingCodes {
  /** Length → frequency → how many, and after {@link finish} the code. */
  readonly #pairs = new Map<number, Map<number, number>>();

  /** The pairs' frequencies and lengths, in the order of their codes; of use after {@link finish}. */
  frequencies = new Uint32Array(0);
  lengths = new Uint32Array(0);

  /** Counts the postings of a document of `length` tokens whose frequencies are `words[from…to)`. */
  count(length: number, words: Uint32Array, from: number, to: number): void {
    let ofLength = this.#pairs.get(length);
    if (!ofLength) this.#pairs.set(length, (ofLength = new Map()));
    let ones = 0;
    for (let i = from; i < to; i++) {
      const frequency = words[i];
      if (frequency === 1) ones++;
      else ofLength.set(frequency, (ofLength.get(frequency) ?? 0) + 1);
    }
    if (ones > 0) ofLength.set(1, (ofLength.get(1) ?? 0) + ones);
  }

  /** Numbers the pairs. Returns how many postings are of a pair without a number. */
  finish(): number {
    const pairs: { length: number; frequency: number; count: number }[] = [];
    for (const [length, ofLength] of this.#pairs) {
      for (const [frequency, count] of ofLength) pairs.push({ length, frequency, count });
    }
    pairs.sort((a, b) => b.count - a.count || a.frequency - b.frequency || a.length - b.length);
    const numbered = pairs.slice(0, rareCode);
    this.frequencies = Uint32Array.from(numbered, ({ frequency }) => frequency);
    this.lengths = Uint32Array.from(numbered, ({ length }) => length);
    this.#pairs.clear();
    for (const [code, { length, frequency }] of numbered.entries()) {
      let ofLength = this.#pairs.get(length);
      if (!ofLength) this.#pairs.set(length, (ofLength = new Map()));
      ofLength.set(frequency, code);
    }
    return pairs.slice(rareCode).reduce((sum, { count }) => sum + count, 0);
  }

  /** The codes of a document of `length` tokens: frequency → code; what it lacks is rare. */
  ofLength(length: number): ReadonlyMap<number, number> {
    return this.#pairs.get(length) ?? new Map<number, number>();
  }
}
