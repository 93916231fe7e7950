import { compareHits } from '../collections/ranking-order.ts';
import type { Hit } from '../collections/records.ts';
import type { Reranker } from '../dense/reranker.ts';
import { orAborted, QuernError, throwIfAborted } from '../errors.ts';
import { failureOf } from '../reason/bounded.ts';
import type { Failure } from '../reason/reasoner.ts';
import { termPartOf } from './lexical-part.ts';
import { bestPassage } from './passage.ts';
import type { Retriever } from './retriever.ts';

/** A second look at the best of a ranking, by a model that reads the query and a document together. */
export interface Reranking {
  readonly reranker: Reranker;
  /** How many hits it reads. Default 50. */
  readonly depth?: number;
  /** The words of a document that it reads, of the passage that has most of the query's terms. Default 200. */
  readonly words?: number;
  /** The most milliseconds for all of a question; what is left of them is the reranker's. */
  readonly deadline?: number;
  /** Whether a reranker that fails, or is late, is an error; else the ranking stays as it was found. Default false. */
  readonly strict?: boolean;
}

/** What reranking did. */
export interface Reranked {
  readonly hits: readonly Hit[];
  readonly reranking: {
    readonly reranker: string;
    /** How many hits were read. */
    readonly depth: number;
    readonly milliseconds: number;
    /** Why the ranking stayed as it was found. */
    readonly failure?: Failure;
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

/** What is reranked. */
export interface Found {
  readonly query: string;
  readonly hits: readonly Hit[];
  readonly retriever: Retriever;
  /** The milliseconds that the question has taken. */
  readonly milliseconds: number;
}

/**
 * The hits with the best `depth` of them in the order that the reranker gives them for the query, ties in the order of
 * `compareHits`; those below keep theirs, with scores that go on below the last of them. The query is the question itself,
 * whatever was searched: a cross-encoder is trained on questions. Where the reranker fails, or is late, the hits stay as they
 * are and the outcome says why, unless it is to be strict. Throws `USAGE` where there are no texts, and `ABORTED`.
 */
export async function reranked(
  { query, hits, retriever, milliseconds }: Found,
  { reranker, depth = defaultRerankDepth, words = defaultRerankWords, deadline, strict }: Reranking,
  signal?: AbortSignal,
): Promise<Reranked> {
  const started = performance.now();
  checkReranking(retriever);
  const read = hits.slice(0, depth);
  const outcome = (failure?: Failure): Reranked['reranking'] => ({
    reranker: reranker.id,
    depth: failure ? 0 : read.length,
    milliseconds: performance.now() - started,
    ...(failure && { failure }),
  });
  if (read.length === 0) return { hits, reranking: outcome() };
  const late = deadline === undefined ? undefined : lateSignal(deadline - milliseconds);
  const own = AbortSignal.any([signal, late].flatMap((each) => each ?? []));
  let scores: Float32Array;
  try {
    if (own.aborted) throw new QuernError('ABORTED', 'too late to begin');
    scores = await orAborted(
      reranker.score(query, await passagesOf(read, query, retriever, words), own),
      own,
    );
  } catch (error) {
    throwIfAborted(signal);
    const reason = late?.aborted ? new QuernError('TIMEOUT', `no answer within ${deadline} ms`) : error;
    if (strict || (reason instanceof QuernError && reason.code === 'USAGE')) throw reason;
    return { hits, reranking: outcome(failureOf(reason)) };
  }
  const first = read
    .map(({ id }, i) => ({ id, score: Math.fround(scores[i]!) }))
    .sort(compareHits)
    .map(({ id, score }, i) => ({ id, score, rank: i + 1 }));
  const lowest = first.at(-1)!.score;
  const rest = hits.slice(depth).map(({ id, rank }, i) => ({ id, score: below(lowest, i + 1), rank }));
  return { hits: [...first, ...rest], reranking: outcome() };
}

/** Aborted when so many milliseconds are over; they may be over already. */
function lateSignal(left: number): AbortSignal {
  return left <= 0 ? AbortSignal.abort() : AbortSignal.timeout(Math.ceil(Math.min(left, 2 ** 31 - 1)));
}

/** Of each hit, what the reranker reads. */
async function passagesOf(
  hits: readonly Hit[],
  query: string,
  retriever: Retriever,
  words: number,
): Promise<string[]> {
  const terms = termPartOf(retriever);
  const weights = terms?.weights(query) ?? new Map<string, number>();
  const passages: string[] = [];
  for (const { id } of hits) {
    const text = (await retriever.document!(id)) ?? '';
    passages.push(bestPassage(text, terms?.spans(text) ?? [], weights, words));
  }
  return passages;
}

/** A score so many steps below another, each a difference that a 32-bit number shows. */
function below(score: number, steps: number): number {
  return Math.fround(score - steps * Math.max(1, Math.abs(score)) * 2 ** -12);
}
