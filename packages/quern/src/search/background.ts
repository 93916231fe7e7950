import type { TermWeights } from '../collections/records.ts';
import { QuernError } from '../errors.ts';
import type { Analyzer } from '../text/analyzer.ts';

/**
 * What a reasoner writes whatever it is asked: how many of its reasoned queries have a term. A model has habits ("problem",
 * "step", "theorem"), and a word of habit says little of a question, however rare it is among the documents; so its weight is
 * lowered by what amounts to an inverse document frequency over reasoned queries. It is learnt from texts without judgements.
 */
export class Background {
  /** How many reasoned queries it was learnt from. */
  readonly texts: number;
  readonly power: number;
  readonly #counts: ReadonlyMap<string, number>;

  private constructor(texts: number, counts: ReadonlyMap<string, number>, power: number) {
    this.texts = texts;
    this.#counts = counts;
    this.power = power;
  }

  /**
   * Learns from reasoned queries, analysed as the documents are. `power`, 0 or more, is how much it counts: 0 not at all.
   * Throws `BAD_INPUT` without a text, `USAGE` for a power that is none.
   */
  static of(texts: Iterable<string>, analyzer: Analyzer, power = defaultBackgroundPower): Background {
    if (!(power >= 0 && Number.isFinite(power))) {
      throw new QuernError('USAGE', `the power of a background is 0 or more, not ${power}`);
    }
    const counts = new Map<string, number>();
    let size = 0;
    for (const text of texts) {
      size++;
      for (const term of new Set(analyzer.terms(text))) counts.set(term, (counts.get(term) ?? 0) + 1);
    }
    if (size === 0) throw new QuernError('BAD_INPUT', 'a background without a reasoned query');
    return new Background(size, counts, power);
  }

  /** What a term's weight is multiplied by: `(ln((R + 1) / (r + 0.5)) / ln((R + 1) / 0.5))^power`, r of R texts having it. */
  factor(term: string): number {
    const all = this.texts + 1;
    return (Math.log(all / ((this.#counts.get(term) ?? 0) + 0.5)) / Math.log(all / 0.5)) ** this.power;
  }

  /** Weights with each term's multiplied by its factor. */
  applied(weights: TermWeights): TermWeights {
    return new Map(Array.from(weights, ([term, weight]) => [term, weight * this.factor(term)]));
  }
}

/** Near the best of what was tried on BRIGHT's theorems and on textbooks (`bench/combine.ts`). */
export const defaultBackgroundPower = 0.5;
