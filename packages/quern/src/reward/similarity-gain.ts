import type { TextKind } from '../dense/embedder.ts';
import { meanOf } from '../evaluate/statistics.ts';
import { cosine, type KeptVectors, type TextToEmbed } from './kept-vectors.ts';
import type { Gain, ReadItem } from './reward-part.ts';

/** Settings of {@link SimilarityGain}. */
export interface SimilaritySettings {
  /**
   * Whether question and reasoned query are embedded as queries, with the model's query instruction where it has one. Default
   * false, as in the reference system: all are embedded as documents. It is the same for models without instructions.
   */
  readonly asQueries?: boolean;
  /** Its name in logs, where there are several. Default `similarity`. */
  readonly name?: string;
}

/**
 * `similarity:EMBEDDER`: by how much the reasoned query q' is nearer than the question q to the positives,
 *
 *     10 · mean over positives d of (cos(q', d) - cos(q, d))
 *
 * (TongSearch-QR's code), from -20 to 20. Texts longer than the embedder's window are cut as it cuts them. Each question and
 * positive is embedded once and kept; all completions of a batch go to the embedder in one call, equal ones once.
 */
export class SimilarityGain implements Gain {
  readonly kind = 'gain';
  readonly name: string;
  readonly #vectors: KeptVectors;
  readonly #as: TextKind;

  constructor(vectors: KeptVectors, { asQueries = false, name = 'similarity' }: SimilaritySettings = {}) {
    this.name = name;
    this.#vectors = vectors;
    this.#as = asQueries ? 'query' : 'document';
  }

  async values(items: readonly ReadItem[], signal?: AbortSignal): Promise<number[]> {
    const as = this.#as;
    const texts: TextToEmbed[] = [];
    for (const { query, reasoned, positives } of items) {
      texts.push({ text: reasoned, as, kept: false }, { text: query, as, kept: true });
      for (const positive of positives) texts.push({ text: positive, as: 'document', kept: true });
    }
    const vectorOf = await this.#vectors.of(texts, signal);
    return items.map(({ query, reasoned, positives }) => {
      const [after, before] = [vectorOf(reasoned, as), vectorOf(query, as)];
      const gains = positives.map((positive) => {
        const vector = vectorOf(positive, 'document');
        return cosine(after, vector) - cosine(before, vector);
      });
      return 10 * meanOf(gains);
    });
  }

  forget(): void {
    this.#vectors.clear();
  }
}
