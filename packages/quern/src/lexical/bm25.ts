import type { TermWeights } from '../collections/records.ts';
import { QuernError } from '../errors.ts';

/**
 * The two scorings. Both rank by `score(q,d) = Σ_t w(t,q) · w(t,d)` with the same document side
 * `w(t,d) = idf(t) · saturation(tf, |d|)`; they differ in `w(t,q)`.
 *
 * - `bm25`: the term's frequency in the query (Robertson and Zaragoza 2009, in the variant of Lucene).
 * - `bm25q`: query-side BM25, `w(t,q) = idf(t) · saturation(tf, |q|)`: BRIGHT's BM25 (gensim's LuceneBM25Model). Anserini's
 *   `-bm25.querySide` counts in |q| also the tokens that the index does not know.
 */
export type Scoring = 'bm25' | 'bm25q';

/** All scorings, the default first. */
export const scorings: readonly Scoring[] = ['bm25', 'bm25q'];

/** BM25's two free parameters, chosen at search time. */
export interface Bm25Parameters {
  /** Saturation of term frequency, 0 or more. Default 0.9. */
  readonly k1: number;
  /** Strength of length normalisation, 0 to 1. Default 0.4. */
  readonly b: number;
}

/** Anserini's defaults, which BRIGHT's baselines use. */
export const defaultBm25Parameters: Bm25Parameters = { k1: 0.9, b: 0.4 };

/** What the formulas need to know of a corpus. */
export interface CorpusStatistics {
  /** Documents that have at least one term (Lucene's `docCount`): N. */
  readonly documentsWithTerms: number;
  /** Mean number of tokens of those documents: avgdl. */
  readonly averageLength: number;
}

/** `ln((N + 1) / (df + 0.5))`, equal to Lucene's `ln(1 + (N - df + 0.5) / (df + 0.5))`; always positive. */
export function inverseDocumentFrequency(documentsWithTerms: number, documentFrequency: number): number {
  return Math.log((documentsWithTerms + 1) / (documentFrequency + 0.5));
}

/** The part of {@link saturation}'s denominator that depends on the length alone: `k1 · (1 - b + b · length / avgdl)`. */
export function lengthNorm(length: number, averageLength: number, { k1, b }: Bm25Parameters): number {
  return k1 * (1 - b + (b * length) / averageLength);
}

/** `tf / (tf + lengthNorm)`, below 1. */
export function saturation(termFrequency: number, norm: number): number {
  return termFrequency / (termFrequency + norm);
}

/** Throws `USAGE` unless k1 ≥ 0 and 0 ≤ b ≤ 1. */
export function checkParameters({ k1, b }: Bm25Parameters): void {
  if (!(k1 >= 0 && Number.isFinite(k1))) throw new QuernError('USAGE', `k1 must be 0 or more, not ${k1}`);
  if (!(b >= 0 && b <= 1)) throw new QuernError('USAGE', `b must lie between 0 and 1, not ${b}`);
}

/**
 * The final weights w(t,q) of a query's terms. Throws `USAGE` for another scoring and as {@link checkParameters} does. Terms
 * that the index does not know are left out; they count neither as weights nor, with `bm25q`, in the query's length |q|.
 */
export function queryWeights(
  terms: Iterable<string>,
  documentFrequency: (term: string) => number,
  statistics: CorpusStatistics,
  scoring: Scoring,
  parameters: Bm25Parameters,
): TermWeights {
  if (!scorings.includes(scoring)) {
    throw new QuernError('USAGE', `no such scoring: ${String(scoring)}`, { hint: scorings.join(', ') });
  }
  checkParameters(parameters);
  const frequencies = new Map<string, number>();
  let length = 0;
  for (const term of terms) {
    const seen = frequencies.get(term);
    if (seen === undefined && documentFrequency(term) === 0) continue;
    frequencies.set(term, (seen ?? 0) + 1);
    length++;
  }
  if (scoring === 'bm25') return frequencies;
  const norm = lengthNorm(length, statistics.averageLength, parameters);
  const weights = new Map<string, number>();
  for (const [term, frequency] of frequencies) {
    const idf = inverseDocumentFrequency(statistics.documentsWithTerms, documentFrequency(term));
    weights.set(term, idf * saturation(frequency, norm));
  }
  return weights;
}
