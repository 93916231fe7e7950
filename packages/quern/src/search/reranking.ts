import { compareHits } from '../collections/ranking-order.ts';
import type { Hit, TermWeights } from '../collections/records.ts';
import type { Reranker } from '../dense/reranker.ts';
import { QuernError } from '../errors.ts';
import { termPartOf } from './lexical-part.ts';
import { bestPassage } from './passage.ts';
import type { Retriever, TermRetriever } from './retriever.ts';

/** A second look at the best of a ranking, by a model that reads the query and a document together. */
export interface Reranking {
  readonly reranker: Reranker;
  /** How many hits it reads. Default 50. */
  readonly depth?: number;
  /** The words of a document that it reads, of the passage that has most of the query's terms. Default 200. */
  readonly words?: number;
}

/** What reranking did. */
export interface Reranked {
  readonly hits: readonly Hit[];
  readonly reranking: {
    readonly reranker: string;
    /** How many hits were read. */
    readonly depth: number;
    readonly milliseconds: number;
  };
}

/** How many hits are read where nobody says it. */
export const defaultRerankDepth = 50;

/** How many words of each are read where nobody says it. */
export const defaultRerankWords = 200;

/** Throws `USAGE` where a retriever has no texts to read. */
export function checkReranking(retriever: Retriever): void {
  if (retriever.document) return;
  throw new QuernError('USAGE', `${retriever.id} has no texts that could be reranked`, {
    hint: 'Build the index with --store',
  });
}

/**
 * The hits with the best `depth` of them in the order that the reranker gives them for the query, ties in the order of
 * `compareHits`; those below keep theirs, with scores that go on below the last of them. The query is the question itself,
 * whatever was searched: a cross-encoder is trained on questions. Throws `USAGE` where there are no texts, and what the
 * reranker throws.
 */
export async function reranked(
  query: string,
  hits: readonly Hit[],
  retriever: Retriever,
  { reranker, depth = defaultRerankDepth, words = defaultRerankWords }: Reranking,
  signal?: AbortSignal,
): Promise<Reranked> {
  const started = performance.now();
  checkReranking(retriever);
  const terms = termPartOf(retriever);
  const weights = terms?.weights(query) ?? new Map<string, number>();
  const read = hits.slice(0, depth);
  const texts: string[] = [];
  for (const { id } of read) {
    const text = (await retriever.document!(id)) ?? '';
    texts.push(readPassage(text, terms, weights, words));
  }
  const scores = texts.length === 0 ? [] : await reranker.score(query, texts, signal);
  const first = read
    .map(({ id }, i) => ({ id, score: Math.fround(scores[i]!) }))
    .sort(compareHits)
    .map(({ id, score }, i) => ({ id, score, rank: i + 1 }));
  const lowest = first.at(-1)?.score ?? 0;
  const rest = hits.slice(depth).map(({ id, rank }, i) => ({ id, score: below(lowest, i + 1), rank }));
  return {
    hits: [...first, ...rest],
    reranking: { reranker: reranker.id, depth: read.length, milliseconds: performance.now() - started },
  };
}

/** A score so many steps below another, each a difference that a 32-bit number shows. */
function below(score: number, steps: number): number {
  return Math.fround(score - steps * Math.max(1, Math.abs(score)) * 2 ** -12);
}

function readPassage(
  text: string,
  terms: TermRetriever | undefined,
  weights: TermWeights,
  words: number,
): string {
  return bestPassage(text, terms?.spans(text) ?? [], weights, words);
}
