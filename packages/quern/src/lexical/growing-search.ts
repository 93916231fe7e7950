import { compareHits } from '../collections/ranking-order.ts';
import type { Hit } from '../collections/records.ts';
import { checkWeight } from './query-terms.ts';
import type { SaturationParameters } from './saturations.ts';
import type { Segment } from './segment.ts';
import type { TermLookup } from './term-statistics.ts';

/** What a {@link GrowingSearch} searches. */
export interface GrowingSearchOptions {
  readonly segments: readonly Segment[];
  readonly lookup: TermLookup;
  readonly parameters: SaturationParameters;
  /** Of each segment, the numbers of documents that cannot be hits. */
  readonly excluded: readonly (readonly number[])[];
  /** Told how many postings each addition read. */
  readonly onPostings: (count: number) => void;
}

/**
 * Scores for a query that grows: `score(q,d) = Σ_t w(t,q) · w(t,d)`, each weight that is added costing the postings of its
 * own term alone. Sums are in the order of the additions, so that a score can differ from a search's in its last bits.
 */
export class GrowingSearch {
  readonly #options: GrowingSearchOptions;
  readonly #sums: readonly Float64Array[];

  constructor(options: GrowingSearchOptions) {
    this.#options = options;
    this.#sums = options.segments.map(({ columns: { lengths, deleted } }, i) => {
      const sums = new Float64Array(lengths.length);
      for (const document of deleted) sums[document] = -Infinity;
      for (const document of options.excluded[i]) sums[document] = -Infinity;
      return sums;
    });
  }

  /** Adds `weight` to w(t,q) of a term. Throws as {@link checkWeight} does. */
  add(term: string, weight: number): void {
    checkWeight(term, weight);
    const { segments, lookup, parameters, onPostings } = this.#options;
    const { numbers, idf } = lookup.of(term);
    let postings = 0;
    for (const [i, { search }] of segments.entries()) {
      if (numbers[i] >= 0)
        postings += search.addPostings(this.#sums[i], numbers[i], weight * idf, parameters);
    }
    onPostings(postings);
  }

  /** The k best documents of score above 0, best first. */
  best(k: number): Hit[] {
    const { segments } = this.#options;
    const hits = this.#sums.flatMap((sums, i) =>
      bestOf(sums, k).map((document) => ({
        id: segments[i].ids.id(document),
        score: Math.fround(sums[document]),
      })),
    );
    return hits
      .sort(compareHits)
      .slice(0, k)
      .map(({ id, score }, i) => ({ id, score, rank: i + 1 }));
  }
}

/** The documents of the k largest scores above 0 and those that equal the last of them, in no order. */
function bestOf(sums: Float64Array, k: number): number[] {
  let kept: number[] = [];
  let floor = 0;
  for (let document = 0; document < sums.length; document++) {
    const score = Math.fround(sums[document]);
    if (score <= 0 || score < floor) continue;
    kept.push(document);
    if (kept.length < 4 * k + 16) continue;
    floor = kthLargest(sums, kept, k);
    kept = kept.filter((each) => Math.fround(sums[each]) >= floor);
  }
  if (kept.length <= k) return kept;
  const last = kthLargest(sums, kept, k);
  return kept.filter((each) => Math.fround(sums[each]) >= last);
}

/** As searches do, it tells scores apart by their 32-bit floats: what is equal there is ordered by id. */
function kthLargest(sums: Float64Array, documents: readonly number[], k: number): number {
  const sorted = Float32Array.from(documents, (document) => sums[document]).sort();
  return sorted[Math.max(0, sorted.length - k)];
}
