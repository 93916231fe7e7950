import { lengthNorm, saturation, type Bm25Parameters } from './bm25.ts';
import { lowerBound } from './lower-bound.ts';
import { rareCode } from './posting-codes.ts';
import type { SearchColumns } from './search-columns.ts';

/** What the saturation of a posting depends on, beside the posting. */
export interface SaturationParameters extends Bm25Parameters {
  /** Tokens of a document on average, over the whole index. */
  readonly averageLength: number;
}

/** The postings [from, to) of a term that have no code. */
export function rareRange({ rareTerms }: SearchColumns, term: number): [number, number] {
  if (rareTerms.length === 0) return [0, 0];
  const from = lowerBound(rareTerms, 0, rareTerms.length, term);
  return [from, lowerBound(rareTerms, from, rareTerms.length, term + 1)];
}

/** The saturations of a segment's postings, by code, and of those without a code one by one. */
export class Saturations {
  readonly #columns: SearchColumns;
  readonly #table: Float64Array;
  readonly #rare: Float64Array;
  /** What they were computed for. */
  #parameters: SaturationParameters | undefined;

  /** They are computed into `table` and `rare`. */
  constructor(columns: SearchColumns, table: Float64Array, rare: Float64Array) {
    this.#columns = columns;
    this.#table = table;
    this.#rare = rare;
  }

  /** Computes them, unless they are there already; returns whether they changed. */
  compute(parameters: SaturationParameters): boolean {
    const { k1, b, averageLength } = parameters;
    const of = this.#parameters;
    if (of?.k1 === k1 && of.b === b && of.averageLength === averageLength) return false;
    this.#parameters = { k1, b, averageLength };
    const { codeFrequencies, codeLengths, rareDocuments, rareFrequencies, lengths } = this.#columns;
    const saturationOf = (frequency: number, length: number): number =>
      saturation(frequency, lengthNorm(length, averageLength, parameters));
    for (let code = 0; code < codeFrequencies.length; code++) {
      this.#table[code] = saturationOf(codeFrequencies[code], codeLengths[code]);
    }
    this.#table[rareCode] = 0;
    for (let i = 0; i < rareDocuments.length; i++) {
      this.#rare[i] = saturationOf(rareFrequencies[i], lengths[rareDocuments[i]]);
    }
    return true;
  }

  /** That of a posting of `term`, by its place: what w(t,d) is without idf. */
  at(term: number, posting: number): number {
    const { codes, documents, rareDocuments } = this.#columns;
    const code = codes[posting];
    if (code !== rareCode) return this.#table[code];
    const [from, to] = rareRange(this.#columns, term);
    return this.#rare[lowerBound(rareDocuments, from, to, documents[posting])] ?? 0;
  }
}
