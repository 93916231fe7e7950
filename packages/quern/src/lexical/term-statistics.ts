import { inverseDocumentFrequency } from './bm25.ts';
import type { Segment } from './segment.ts';

/** What the segments of an index know of a term. */
export interface TermStatistics {
  /** Its number in each segment, -1 where the segment lacks it. */
  readonly numbers: readonly number[];
  /** Live documents that have it. */
  readonly documentFrequency: number;
  /** Its idf; 0 where no document has it. */
  readonly idf: number;
}

const memoLimit = 1 << 16;

/** Looks terms up in all segments, and remembers them. */
export class TermLookup {
  readonly #segments: readonly Segment[];
  readonly #documentsWithTerms: number;
  readonly #memo = new Map<string, TermStatistics>();

  constructor(segments: readonly Segment[], documentsWithTerms: number) {
    this.#segments = segments;
    this.#documentsWithTerms = documentsWithTerms;
  }

  /** The statistics of `term`. */
  of(term: string): TermStatistics {
    let known = this.#memo.get(term);
    if (!known) {
      if (this.#memo.size === memoLimit) this.#memo.clear();
      this.#memo.set(term, (known = this.#lookedUp(term)));
    }
    return known;
  }

  #lookedUp(term: string): TermStatistics {
    const numbers = this.#segments.map(({ dictionary }) => dictionary.numberOf(term));
    let documentFrequency = 0;
    for (const [i, number] of numbers.entries()) {
      if (number >= 0) documentFrequency += this.#segments[i].documentFrequency(number);
    }
    const idf =
      documentFrequency === 0 ? 0 : inverseDocumentFrequency(this.#documentsWithTerms, documentFrequency);
    return { numbers, documentFrequency, idf };
  }
}
