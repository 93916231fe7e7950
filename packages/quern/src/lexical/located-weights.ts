import type { TermWeights } from '../collections/records.ts';
import type { QueryTerms } from './segment-search.ts';
import type { TermLookup } from './term-statistics.ts';

/**
 * Term weights whose terms an index has looked up, so that a search of that index need not do it again. They never
 * change.
 */
export class LocatedWeights implements ReadonlyMap<string, number> {
  /** Where the terms were looked up. */
  readonly lookup: TermLookup;
  /** What each segment of that index is to look for. */
  readonly segments: readonly QueryTerms[];
  readonly #weights: TermWeights;

  /** `weights` is nobody else's. */
  constructor(weights: TermWeights, lookup: TermLookup, segments: readonly QueryTerms[]) {
    this.#weights = weights;
    this.lookup = lookup;
    this.segments = segments;
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
