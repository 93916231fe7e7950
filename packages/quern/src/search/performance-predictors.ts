/**
 * Query performance predictors: figures that tell, before anybody judges, how well a ranking answers its query. They are
 * given the scores of the k best documents, best first.
 *
 * Where a formula asks how often a term occurs in the corpus, it gets the number of documents that have it, which the
 * index keeps exactly: df(t) for cf(t), and Σ df for the corpus's length in the language model of the corpus. Wherever
 * there is nothing to compute from (no term, no hit), a predictor is 0.
 */
import type { TermWeights } from '../collections/records.ts';
import {
  inverseDocumentFrequency,
  lengthNorm,
  saturation,
  type Bm25Parameters,
  type CorpusStatistics,
} from '../lexical/bm25.ts';

/** Weight of a document's own words in its language model, as in Cronen-Townsend, Zhou and Croft 2002. */
export const documentModelWeight = 0.6;

/** A document of a ranking, as {@link clarity} needs it. */
export interface ScoredVector {
  readonly score: number;
  /** Terms and how often the document has them. */
  readonly vector: ReadonlyMap<string, number>;
}

/** How many documents have a term. */
export type DocumentFrequency = (term: string) => number;

/**
 * What the corpus would score as a single document, the yardstick of {@link normalizedQueryCommitment} and its kin (Shtok
 * et al. 2012): BM25 with tf = df(t) and a length of N average documents,
 * `Σ_t w(t,q) · idf(t) · df / (df + k1·(1 - b + b·N))`.
 */
export function scoreOfCorpus(
  weights: TermWeights,
  documentFrequency: DocumentFrequency,
  { documentsWithTerms }: CorpusStatistics,
  parameters: Bm25Parameters,
): number {
  const norm = lengthNorm(documentsWithTerms, 1, parameters);
  let score = 0;
  for (const [term, weight] of weights) {
    const frequency = documentFrequency(term);
    if (frequency === 0) continue;
    score += weight * inverseDocumentFrequency(documentsWithTerms, frequency) * saturation(frequency, norm);
  }
  return score;
}

/**
 * NQC, the normalized query commitment (Shtok, Kurland, Carmel, Raiber and Markovits, TOIS 30(2), 2012): the
 * standard deviation of the scores (k in the denominator) over the score of the corpus. Scores that drift apart are
 * committed to the query, and tend to be of better rankings.
 */
export function normalizedQueryCommitment(scores: readonly number[], corpusScore: number): number {
  if (scores.length === 0 || corpusScore === 0) return 0;
  const mean = average(scores);
  return Math.sqrt(average(scores.map((score) => (score - mean) ** 2))) / corpusScore;
}

/**
 * SMV, score magnitude and variance (Tao and Wu, CIKM 2014): `1/k Σ s·|ln(s / μ)|` over the score of the
 * corpus, μ being the mean of the scores.
 */
export function scoreMagnitudeAndVariance(scores: readonly number[], corpusScore: number): number {
  const positive = scores.filter((score) => score > 0);
  if (positive.length === 0 || corpusScore === 0) return 0;
  const mean = average(positive);
  return average(positive.map((score) => score * Math.abs(Math.log(score / mean)))) / corpusScore;
}

/**
 * WIG, the weighted information gain (Zhou and Croft, SIGIR 2007), in the form that Shtok et al. give it for any scoring
 * (2012): the mean of the scores less the score of the corpus, over √|q|, |q| being the number of terms.
 */
export function weightedInformationGain(
  scores: readonly number[],
  corpusScore: number,
  terms: number,
): number {
  return scores.length === 0 || terms === 0 ? 0 : (average(scores) - corpusScore) / Math.sqrt(terms);
}

/** How far the best document is ahead of the second, as a share of its score; 1 where there is but one. */
export function scoreGap([first = 0, second = 0]: readonly number[]): number {
  return first > 0 ? (first - second) / first : 0;
}

/** How far the best document is ahead of the mean of all that are given, as a share of its score. */
export function scoreLead(scores: readonly number[]): number {
  const [first = 0] = scores;
  return first > 0 ? (first - average(scores)) / first : 0;
}

/**
 * How near the best document's score comes to the bound `Σ_t w(t,q) · idf(t)`, which a document with every term, each
 * without end, would approach: from 0 to 1. It is low where no document has the query's weighty terms together.
 */
export function scoreCoverage(
  [first = 0]: readonly number[],
  weights: TermWeights,
  documentFrequency: DocumentFrequency,
  { documentsWithTerms }: CorpusStatistics,
): number {
  let bound = 0;
  for (const [term, weight] of weights) {
    const frequency = documentFrequency(term);
    if (frequency > 0) bound += weight * inverseDocumentFrequency(documentsWithTerms, frequency);
  }
  return bound > 0 ? first / bound : 0;
}

/**
 * Clarity (Cronen-Townsend, Zhou and Croft, SIGIR 2002), in bits: the Kullback-Leibler divergence of the
 * ranking's language model from the corpus's,
 *
 *     Σ_w p(w|R) · log2(p(w|R) / p(w|C))      p(w|R) = Σ_d p(d|q) · (λ·tf(w,d)/|d| + (1-λ)·p(w|C))
 *
 * over every term of the index. p(d|q) is the document's share of the sum of the scores (there: of the likelihoods), λ is
 * {@link documentModelWeight}, and p(w|C) = df(w) / Σ df. `postings` is that sum.
 */
export function clarity(
  documents: readonly ScoredVector[],
  documentFrequency: DocumentFrequency,
  postings: number,
): number {
  const total = documents.reduce((sum, { score }) => sum + score, 0);
  if (total <= 0 || postings === 0) return 0;
  const model = new Map<string, number>();
  for (const { score, vector } of documents) {
    let length = 0;
    for (const frequency of vector.values()) length += frequency;
    for (const [term, frequency] of vector) {
      model.set(term, (model.get(term) ?? 0) + (score / total) * (frequency / length));
    }
  }
  let divergence = 0;
  let seen = 0;
  for (const [term, probability] of model) {
    const ofCorpus = documentFrequency(term) / postings;
    const ofRanking = documentModelWeight * probability + (1 - documentModelWeight) * ofCorpus;
    divergence += ofRanking * Math.log2(ofRanking / ofCorpus);
    seen += ofCorpus;
  }
  // Of a term that no document of the ranking has, both probabilities are known up to a factor.
  return divergence + (1 - documentModelWeight) * Math.log2(1 - documentModelWeight) * Math.max(0, 1 - seen);
}

/** Predictors that need no ranking. */
export interface PreRetrieval {
  /** Mean and maximum of idf over the query's distinct known terms (He and Ounis, SPIRE 2004; idf as in BM25). */
  readonly averageIdf: number;
  readonly maxIdf: number;
  /**
   * Mean and maximum of the collection-query similarity `(1 + ln df(t)) · ln(1 + N/df(t))` (Zhao, Scholer and Tsegay, ECIR
   * 2008, with df for cf).
   */
  readonly averageScq: number;
  readonly maxScq: number;
  /** Share of the query's distinct terms that the index knows. */
  readonly knownTerms: number;
}

/** The predictors that need no ranking, of a query's terms. */
export function preRetrieval(
  terms: Iterable<string>,
  documentFrequency: DocumentFrequency,
  { documentsWithTerms }: CorpusStatistics,
): PreRetrieval {
  const distinct = new Set(terms);
  const frequencies = Array.from(distinct, documentFrequency).filter((frequency) => frequency > 0);
  const idfs = frequencies.map((frequency) => inverseDocumentFrequency(documentsWithTerms, frequency));
  const similarities = frequencies.map(
    (frequency) => (1 + Math.log(frequency)) * Math.log(1 + documentsWithTerms / frequency),
  );
  return {
    averageIdf: average(idfs),
    maxIdf: Math.max(0, ...idfs),
    averageScq: average(similarities),
    maxScq: Math.max(0, ...similarities),
    knownTerms: distinct.size === 0 ? 0 : frequencies.length / distinct.size,
  };
}

function average(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
