import { compareHits } from '../collections/ranking-order.ts';
import type { Hit } from '../collections/records.ts';
import {
  inverseDocumentFrequency,
  lengthNorm,
  saturation,
  type Bm25Parameters,
  type CorpusStatistics,
} from '../lexical/bm25.ts';

/*
 * Lucene keeps a document's length in one byte: exactly below 40 tokens, above by its four highest bits, the others cut off. So a
 * document of 100 tokens is scored as one of 96. What a term brought to the score of a hit tells its frequency in the document,
 *   s = w · idf · tf / (tf + norm(length in one byte))  ⇒  tf = norm · x / (1 - x),  x = s / (w · idf),
 * and with that and the exact length, which the document has as a value, comes the score as the formula has it. As a length that is
 * cut off is never longer, OpenSearch's score is never below the exact one: a document that it ranks below a candidate of score s
 * has an exact score of at most s. That tells whether enough candidates were fetched.
 */

/** Lengths below this have a value of their own (Lucene's `SmallFloat.intToByte4`). */
const freeValues = 24;

/** The length that a document of so many tokens is scored with. */
export function lengthInOneByte(tokens: number): number {
  if (tokens < freeValues) return tokens;
  const rest = tokens - freeValues;
  const step = 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, rest))) - 3);
  return freeValues + Math.floor(rest / step) * step;
}

/** A hit as OpenSearch tells of it. */
export interface Candidate {
  readonly id: string;
  /** OpenSearch's score. */
  readonly score: number;
  readonly tokens: number;
  /** What each matching term brought to it. */
  readonly parts: Readonly<Record<string, number>>;
}

/** What exact scores are computed with. */
export interface ExactScoring {
  /** w(t,q) of the terms that were searched. */
  readonly weights: ReadonlyMap<string, number>;
  readonly documentFrequency: (term: string) => number;
  readonly statistics: CorpusStatistics;
  readonly parameters: Bm25Parameters;
}

/** What each term brings to the exact score of a candidate, in ascending order of terms. */
export function exactShares(
  { tokens, parts }: Candidate,
  { weights, documentFrequency, statistics, parameters }: ExactScoring,
): Map<string, number> {
  const { averageLength, documentsWithTerms } = statistics;
  const theirs = lengthNorm(lengthInOneByte(tokens), averageLength, parameters);
  const norm = lengthNorm(tokens, averageLength, parameters);
  const shares = new Map<string, number>();
  for (const term of Object.keys(parts).toSorted()) {
    const weight = weights.get(term);
    if (weight === undefined) continue;
    const most = weight * inverseDocumentFrequency(documentsWithTerms, documentFrequency(term));
    const part = parts[term]! / most;
    // With k1 of 0 every frequency brings the same.
    const frequency =
      part < 1 ? Math.max(1, Math.round((theirs * part) / (1 - part))) : Number.MAX_SAFE_INTEGER;
    shares.set(term, most * saturation(frequency, norm));
  }
  return shares;
}

/** The k best of candidates by their exact scores, and whether no other document can be among them. */
export function exactRanking(
  candidates: readonly Candidate[],
  scoring: ExactScoring,
  { k, areAll }: { readonly k: number; readonly areAll: boolean },
): { readonly hits: Hit[]; readonly isProven: boolean } {
  const scored = candidates.map((candidate) => {
    let score = 0;
    for (const share of exactShares(candidate, scoring).values()) score += share;
    return { id: candidate.id, score: Math.fround(score) };
  });
  const best = scored.toSorted(compareHits).slice(0, k);
  const lowest = candidates.at(-1)?.score ?? 0;
  const isProven = areAll || (best.length === k && best[k - 1]!.score > lowest);
  return { hits: best.map((hit, i) => ({ ...hit, rank: i + 1 })), isProven };
}
