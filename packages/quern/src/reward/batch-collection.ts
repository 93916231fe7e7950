/** The positives of a batch as the collection that they are ranked in: each question's against those of all others. */
import {
  defaultBm25Parameters,
  inverseDocumentFrequency,
  lengthNorm,
  queryWeights,
  saturation,
} from '../lexical/bm25.ts';
import { LoopShare } from '../loop-share.ts';
import type { Analyzer } from '../text/analyzer.ts';
import { cosine, type KeptVectors } from './kept-vectors.ts';
import { ranksAmong, vectorsOf, type PositiveSearch, type RewardCollection } from './reward-collection.ts';

/** The distinct documents of a batch. */
function documentsOf(searches: readonly PositiveSearch[]): string[] {
  return [...new Set(searches.flatMap(({ positives }) => positives))];
}

/** Where each document is among the scores of all. */
function placesOf(documents: readonly string[]): ReadonlyMap<string, number> {
  return new Map(documents.map((text, i) => [text, i]));
}

/** The ranks of a search's positives by the scores of all documents. */
function ranksOf(
  { positives }: PositiveSearch,
  places: ReadonlyMap<string, number>,
  scores: readonly number[],
  depth: number,
): number[] {
  const mine = positives.map((text) => places.get(text)!);
  const isMine = new Set(mine);
  return ranksAmong(
    mine.map((i) => scores[i]),
    scores.filter((_, i) => !isMine.has(i)),
    depth,
  );
}

/**
 * Ranking by query-side BM25 with the statistics of the batch's positives. The ranks depend on what else is in the batch: a
 * question alone in its batch finds its positives first whenever it shares a term with them.
 */
export function lexicalBatch(analyzer: Analyzer): RewardCollection {
  return {
    id: 'batch',
    ranks: async (searches, depth, signal) => {
      const share = new LoopShare();
      const documents = documentsOf(searches);
      const places = placesOf(documents);
      const frequencies = new Map<string, Map<number, number>>();
      const lengths = documents.map((text, i) => {
        const terms = analyzer.terms(text);
        for (const term of terms) {
          const postings = frequencies.get(term) ?? new Map<number, number>();
          frequencies.set(term, postings.set(i, (postings.get(i) ?? 0) + 1));
        }
        return terms.length;
      });
      const documentsWithTerms = lengths.filter((length) => length > 0).length;
      const tokens = lengths.reduce((sum, length) => sum + length, 0);
      const statistics = { documentsWithTerms, averageLength: tokens / Math.max(1, documentsWithTerms) };
      const frequencyOf = (term: string): number => frequencies.get(term)?.size ?? 0;
      const all: number[][] = [];
      for (const search of searches) {
        await share.yield(signal);
        const terms = analyzer.terms(search.text);
        const weights = queryWeights(terms, frequencyOf, statistics, 'bm25q', defaultBm25Parameters);
        const scores = documents.map(() => -Infinity);
        for (const [term, weight] of weights) {
          const idf = inverseDocumentFrequency(documentsWithTerms, frequencyOf(term));
          for (const [i, frequency] of frequencies.get(term)!) {
            const norm = lengthNorm(lengths[i], statistics.averageLength, defaultBm25Parameters);
            scores[i] = Math.max(0, scores[i]) + weight * idf * saturation(frequency, norm);
          }
        }
        all.push(ranksOf(search, places, scores, depth));
      }
      return all;
    },
  };
}

/** Ranking by the cosine of an embedder's vectors. The ranks depend on what else is in the batch. */
export function vectorBatch(vectors: KeptVectors): RewardCollection {
  return {
    id: `batch:${vectors.embedder.id}`,
    forget: () => vectors.clear(),
    ranks: async (searches, depth, signal) => {
      const share = new LoopShare();
      const documents = documentsOf(searches);
      const places = placesOf(documents);
      const asTexts = searches.map(({ text, isQuestion, positives }) => ({ text, isQuestion, positives }));
      const vectorOf = await vectorsOf(vectors, asTexts, signal);
      const ofDocuments = documents.map((text) => vectorOf(text, 'document'));
      const all: number[][] = [];
      for (const search of searches) {
        await share.yield(signal);
        const vector = vectorOf(search.text, 'query');
        const scores = ofDocuments.map((document) => cosine(vector, document));
        all.push(ranksOf(search, places, scores, depth));
      }
      return all;
    },
  };
}
