/** Passages of sections, and those that a question and its answer are about. */
import type { Analyzer } from 'quern';
import type { Section } from './textbooks.js';

/** Words of a passage, and from one's beginning to the next one's. */
const length = 150;
const stride = 75;

export function passagesOf(text: string): string[] {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const passages: string[] = [];
  for (let from = 0; ; from += stride) {
    passages.push(words.slice(from, from + length).join(' '));
    if (from + length >= words.length) return passages;
  }
}

/** Chooses passages by BM25; how rare a term is counts over all sections. */
export class PassageChooser {
  readonly #analyzer: Analyzer;
  readonly #frequencies = new Map<string, number>();
  readonly #sections: number;

  constructor(sections: readonly Section[], analyzer: Analyzer) {
    this.#analyzer = analyzer;
    this.#sections = sections.length;
    for (const { title, text } of sections) {
      for (const term of new Set(analyzer.terms(`${title} ${text}`))) {
        this.#frequencies.set(term, (this.#frequencies.get(term) ?? 0) + 1);
      }
    }
  }

  /** The `most` best passages for a text, the best first; of those that overlap only the better one. */
  best(passages: readonly string[], text: string, most: number): string[] {
    const wanted = new Set(this.#analyzer.terms(text));
    const scored = passages.map((passage, at) => ({ at, score: this.#score(passage, wanted) }));
    scored.sort((a, b) => b.score - a.score || a.at - b.at);
    const chosen: number[] = [];
    for (const { at } of scored) {
      if (chosen.length < most && chosen.every((other) => Math.abs(other - at) * stride >= length)) {
        chosen.push(at);
      }
    }
    return chosen.map((at) => passages[at]);
  }

  #score(passage: string, wanted: ReadonlySet<string>): number {
    const counts = new Map<string, number>();
    for (const term of this.#analyzer.terms(passage)) {
      if (wanted.has(term)) counts.set(term, (counts.get(term) ?? 0) + 1);
    }
    let score = 0;
    for (const [term, count] of counts) {
      const rarity = Math.log((this.#sections + 1) / ((this.#frequencies.get(term) ?? 0) + 0.5));
      score += (rarity * count) / (count + 0.9);
    }
    return score;
  }
}
