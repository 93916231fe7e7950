import type { TermWeights } from '../collections/records.ts';
import type { QueryTerms } from './segment-search.ts';
import type { TermLookup } from './term-statistics.ts';

/**
 * Term weights whose terms an index has looked up, so that a search of that index need not do it again. They never
 * change.
 */
export class LocatedWeights implements ReadonlyMap<string, number> {
  readonly #weights: TermWeights;
  readonly #lookup: TermLookup;
  readonly #segments: readonly QueryTerms[];

  /**
   * `weights` is nobody else's; `lookup` is where its terms were looked up, and `segments` what each segment of that index
   * is to look for.
   */
  constructor(weights: TermWeights, lookup: TermLookup, segments: readonly QueryTerms[]) {
    this.#weights = weights;
    this.#lookup = lookup;
    this.#segments = segments;
  }

  /** What each segment is to look for, of the index whose `lookup` this is; undefined for another index. */
  segmentsOf(lookup: TermLookup): readonly QueryTerms[] | undefined {
    return lookup === this.#lookup ? this.#segments : undefined;
  }

  get size(): number {
    return this.#weights.size;
  }

  get(term: string): number | undefined {
    return this.#weights.get(term);
  }

  has(term: string): boolean {
    return this.#weights.has(term);
  }

  forEach(each: (weight: number, term: string, weights: TermWeights) => void): void {
    for (const [term, weight] of this.#weights) each(weight, term, this);
  }

  entries(): MapIterator<[string, number]> {
    return this.#weights.entries();
  }

  keys(): MapIterator<string> {
    return this.#weights.keys();
  }

  values(): MapIterator<number> {
    return this.#weights.values();
  }

  [Symbol.iterator](): MapIterator<[string, number]> {
    return this.#weights[Symbol.iterator]();
  }
}
