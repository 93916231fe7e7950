/** Documents that positives are ranked among. */
import { excerpt } from '../collections/jsonl.ts';
import type { Hit } from '../collections/records.ts';
import { aggregated } from '../dense/aggregation.ts';
import { passagesOf, type PassageSettings } from '../dense/passages.ts';
import { QuernError } from '../errors.ts';
import { inverseDocumentFrequency, lengthNorm, saturation } from '../lexical/bm25.ts';
import { LoopShare } from '../loop-share.ts';
import type { LexicalRetriever } from '../search/lexical-retriever.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import type { KeptVectors } from './kept-vectors.ts';
import { cosine } from './kept-vectors.ts';

/** A text that is searched with, and the documents that it is to find. */
export interface PositiveSearch {
  readonly text: string;
  /** Whether the text comes again, as a question does. */
  readonly isQuestion: boolean;
  readonly positives: readonly string[];
  readonly positiveIds?: readonly string[];
}

/**
 * Documents that positives are ranked among. Positives with ids are documents of it, and have their real ranks. Others are
 * ranked by the score that their text would have if it were one more document, before documents of the same score, and one of
 * the same score is taken to be the same document: so it counts against no positive of the question.
 */
export interface RewardCollection {
  /** What it is, for reports. */
  readonly id: string;
  /** The rank of each positive of each search, from 1 on; Infinity for those beyond `depth` or not found at all. */
  ranks(searches: readonly PositiveSearch[], depth: number, signal?: AbortSignal): Promise<number[][]>;
  /** Forgets what it kept of earlier searches. */
  forget?(): void;
}

/** Scores are 32-bit floats, and sums in another order differ by their rounding. */
const roundingShare = 1e-6;

function rounding(score: number): number {
  return roundingShare * Math.abs(score);
}

/**
 * Ranks of documents with scores `own` among others with scores `others`: 1 + how many of the others score more, by more than
 * `tolerance`, and of the own ones more or come before it. A score of -Infinity is not in the ranking.
 */
export function ranksAmong(
  own: readonly number[],
  others: readonly number[],
  depth: number,
  tolerance: (score: number) => number = rounding,
): number[] {
  const ranks = own.map(() => Infinity);
  const order = own.map((_, i) => i).sort((a, b) => own[b] - own[a] || a - b);
  for (const [before, i] of order.entries()) {
    const score = own[i];
    if (score === -Infinity) continue;
    const least = score + tolerance(score);
    const rank = 1 + before + others.filter((other) => other > least).length;
    if (rank <= depth) ranks[i] = rank;
  }
  return ranks;
}

/**
 * The scores of others without those of the own documents' copies: for each own one, one within `tolerance` of its score, where
 * there is one. So a positive that is in the collection does not count against another positive of the same question either.
 */
export function withoutCopies(
  own: readonly number[],
  others: readonly number[],
  tolerance: (score: number) => number = rounding,
): number[] {
  const left = [...others];
  for (const score of own) {
    if (score === -Infinity) continue;
    const copy = left.findIndex((other) => Math.abs(other - score) <= tolerance(score));
    if (copy >= 0) left.splice(copy, 1);
  }
  return left;
}

/** Ranks of documents by their ids. */
function ranksOf(ids: readonly string[], hits: readonly Hit[]): number[] {
  const ranks = new Map(hits.map(({ id, rank }) => [id, rank]));
  return ids.map((id) => ranks.get(id) ?? Infinity);
}

/**
 * A lexical index as a collection. A text that is not in it is scored with the index's statistics: `Σ_t w(t,q)·w(t,d)` with its
 * terms' document frequencies and the average length. Ids that it has not throw `BAD_INPUT`.
 */
export function lexicalCollection(retriever: LexicalRetriever): RewardCollection {
  const { index, parameters } = retriever;
  const analyzer = analyzerNamed(index.analyzer);
  const { documentsWithTerms, averageLength } = index.statistics;
  const documentWeights = (text: string): Map<string, number> => {
    const terms = analyzer.terms(text);
    const weights = new Map<string, number>();
    for (const term of terms) weights.set(term, (weights.get(term) ?? 0) + 1);
    const norm = lengthNorm(terms.length, averageLength, parameters);
    for (const [term, frequency] of weights) {
      const idf = inverseDocumentFrequency(documentsWithTerms, index.documentFrequency(term));
      weights.set(term, idf * saturation(frequency, norm));
    }
    return weights;
  };
  return {
    id: retriever.id,
    ranks: async (searches, depth, signal) => {
      const share = new LoopShare();
      const known = new Map<string, Map<string, number>>();
      const ranks: number[][] = [];
      for (const { text, positives, positiveIds } of searches) {
        await share.yield(signal);
        checkIds(positiveIds, (id) => index.has(id));
        const weights = retriever.weights(text);
        const hits = await retriever.search(weights, { k: depth, signal });
        if (positiveIds) {
          ranks.push(ranksOf(positiveIds, hits));
          continue;
        }
        const own = positives.map((positive) => {
          const made = known.get(positive) ?? documentWeights(positive);
          known.set(positive, made);
          let score = 0;
          for (const [term, weight] of weights) score += weight * (made.get(term) ?? 0);
          return score > 0 ? score : -Infinity;
        });
        const others = withoutCopies(
          own,
          hits.map(({ score }) => score),
        );
        ranks.push(ranksAmong(own, others, depth));
      }
      return ranks;
    },
  };
}

/** Vectors of a corpus, and how they are searched. */
export interface VectorSearch {
  /** What it is, for reports, e.g. `dense:onnx:MODEL`. */
  readonly id: string;
  /** The k documents whose vectors are nearest, best first; their scores are cosines. */
  search(vector: Float32Array, k: number, signal?: AbortSignal): Promise<Hit[]>;
  /** Whether there is a document with this id. */
  has(id: string): boolean;
  /** How documents are cut into passages, and what their cosines come to. Default: each is embedded whole. */
  readonly passages?: PassageSettings;
  /** By how much its scores may be off, as those of coarser numbers are. Default 1e-6. */
  readonly tolerance?: number;
}

/**
 * Vectors of a corpus as a collection, with the embedder that made them. A text that is not in it is cut into passages as the
 * documents are, without a title, and has the score that their cosines come to. Ids that it has not throw `BAD_INPUT`.
 */
export function vectorCollection(vectors: KeptVectors, corpus: VectorSearch): RewardCollection {
  const { tolerance = roundingShare, passages } = corpus;
  const partsOf = (text: string): string[] => (passages ? passagesOf({ title: '', text }, passages) : [text]);
  return {
    id: corpus.id,
    forget: () => vectors.clear(),
    ranks: async (searches, depth, signal) => {
      for (const { positiveIds } of searches) checkIds(positiveIds, (id) => corpus.has(id));
      const cut = searches.map((search) => ({ ...search, positives: search.positives.flatMap(partsOf) }));
      const vectorOf = await vectorsOf(vectors, cut, signal);
      const share = new LoopShare();
      const ranks: number[][] = [];
      for (const { text, positives, positiveIds } of searches) {
        await share.yield(signal);
        const vector = vectorOf(text, 'query');
        const hits = await corpus.search(vector, depth, signal);
        if (positiveIds) {
          ranks.push(ranksOf(positiveIds, hits));
          continue;
        }
        const own = positives.map((positive) => {
          const parts = partsOf(positive).map((part) => cosine(vector, vectorOf(part, 'document')));
          return aggregated(Float64Array.from(parts), 0, parts.length, passages?.aggregate ?? 'max');
        });
        const others = withoutCopies(
          own,
          hits.map(({ score }) => score),
          () => tolerance,
        );
        ranks.push(ranksAmong(own, others, depth, () => tolerance));
      }
      return ranks;
    },
  };
}

/** The vectors of searches and, of those without ids, of their positives: all that are not known in one go. */
export function vectorsOf(vectors: KeptVectors, searches: readonly PositiveSearch[], signal?: AbortSignal) {
  const texts = searches.flatMap(({ text, isQuestion, positives, positiveIds }) => [
    { text, as: 'query' as const, kept: isQuestion },
    ...(positiveIds ? [] : positives.map((each) => ({ text: each, as: 'document' as const, kept: true }))),
  ]);
  return vectors.of(texts, signal);
}

function checkIds(ids: readonly string[] | undefined, has: (id: string) => boolean): void {
  const missing = ids?.find((id) => !has(id));
  if (missing === undefined) return;
  throw new QuernError('BAD_INPUT', `the index has no document ${excerpt(missing)}`, {
    where: 'positiveIds',
    hint: 'Name positives by their ids only where they are in the index that the reward searches',
  });
}
