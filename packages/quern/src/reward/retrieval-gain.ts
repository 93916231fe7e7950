import type { RankMeasure } from './rank-measure.ts';
import type { PositiveSearch, RewardCollection } from './reward-collection.ts';
import type { Gain, ReadItem } from './reward-part.ts';

/**
 * `retrieval:MEASURE`: by how much better the positives are found in a collection when the reasoned query replaces the question,
 * `measure(q') - measure(q)`. Equal searches of a batch are done once.
 */
export class RetrievalGain implements Gain {
  readonly kind = 'gain';
  readonly name: string;
  readonly #measure: RankMeasure;
  readonly #collection: RewardCollection;

  constructor(measure: RankMeasure, collection: RewardCollection) {
    this.name = `retrieval:${measure.name}`;
    this.#measure = measure;
    this.#collection = collection;
  }

  async values(items: readonly ReadItem[], signal?: AbortSignal): Promise<number[]> {
    const searches = new DistinctSearches();
    const places = items.map(({ query, reasoned, positives, positiveIds }) => ({
      before: searches.place({ text: query, isQuestion: true, positives, positiveIds }),
      after: searches.place({ text: reasoned, isQuestion: false, positives, positiveIds }),
    }));
    const ranks = await this.#collection.ranks(searches.list, this.#measure.depth, signal);
    const values = ranks.map((each) => this.#measure.value(each));
    return places.map(({ before, after }) => values[after] - values[before]);
  }

  forget(): void {
    this.#collection.forget?.();
  }
}

/** Searches, each once. */
class DistinctSearches {
  readonly list: PositiveSearch[] = [];
  readonly #places = new Map<string, number>();
  readonly #positives = new Map<string, number>();

  /** Where a search is in the list, to which it is added unless it is there. */
  place(search: PositiveSearch): number {
    const positives = numberOf(this.#positives, JSON.stringify([search.positives, search.positiveIds]));
    const place = numberOf(this.#places, `${positives} ${search.text}`);
    if (place === this.list.length) this.list.push(search);
    return place;
  }
}

function numberOf(numbers: Map<string, number>, key: string): number {
  const number = numbers.get(key) ?? numbers.size;
  numbers.set(key, number);
  return number;
}
