import type { SearchSettings, SegmentTask } from './index-query.ts';
import type { SegmentRanking } from './segment-search.ts';

/*
 * Batches of queries, and of their rankings, as messages between threads: a few arrays whatever the number of queries, as
 * each object of a message costs microseconds.
 */

/** Queries as they are sent to a thread. */
export interface QueryBatch {
  readonly settings: SearchSettings;
  /** How many queries there are. */
  readonly count: number;
  /** How many terms each query has in each segment, query by query. */
  readonly sizes: Uint32Array<ArrayBuffer>;
  /** 1 where the path is the pruned one. */
  readonly arePruned: Uint8Array<ArrayBuffer>;
  readonly numbers: Uint32Array<ArrayBuffer>;
  readonly weights: Float64Array<ArrayBuffer>;
}

/** Rankings as they are sent back. */
export interface RankingBatch {
  /** How many queries there are. */
  readonly count: number;
  /** How many documents each query's ranking of each segment has, query by query, and what work it took. */
  readonly sizes: Uint32Array<ArrayBuffer>;
  readonly postingsRead: Uint32Array<ArrayBuffer>;
  readonly documents: Uint32Array<ArrayBuffer>;
  readonly scores: Float32Array<ArrayBuffer>;
}

/** The queries, each a task a segment, as a message. */
export function packedQueries(
  queries: readonly (readonly SegmentTask[])[],
  settings: SearchSettings,
): QueryBatch {
  const tasks = queries.flat();
  const sizes = Uint32Array.from(tasks, ({ terms }) => terms.numbers.length);
  const numbers = new Uint32Array(sum(sizes));
  const weights = new Float64Array(numbers.length);
  let next = 0;
  for (const { terms } of tasks) {
    numbers.set(terms.numbers, next);
    weights.set(terms.weights, next);
    next += terms.numbers.length;
  }
  const arePruned = Uint8Array.from(tasks, ({ path }) => (path === 'pruned' ? 1 : 0));
  return { settings, count: queries.length, sizes, arePruned, numbers, weights };
}

/** The tasks of each query of a message. */
export function unpackedQueries(batch: QueryBatch): SegmentTask[][] {
  const { settings, count, sizes, arePruned, numbers, weights } = batch;
  let next = 0;
  return perQuery(count, settings.excluded.length, (i) => {
    const end = next + sizes[i];
    const terms = { numbers: numbers.subarray(next, end), weights: weights.subarray(next, end) };
    next = end;
    return { terms, path: arePruned[i] === 1 ? 'pruned' : 'exhaustive' };
  });
}

/** The rankings, of each query one a segment, as a message. */
export function packedRankings(queries: readonly (readonly SegmentRanking[])[]): RankingBatch {
  const rankings = queries.flat();
  const sizes = Uint32Array.from(rankings, ({ documents }) => documents.length);
  const documents = new Uint32Array(sum(sizes));
  const scores = new Float32Array(documents.length);
  let next = 0;
  for (const ranking of rankings) {
    documents.set(ranking.documents, next);
    scores.set(ranking.scores, next);
    next += ranking.documents.length;
  }
  const postingsRead = Uint32Array.from(rankings, (ranking) => ranking.postingsRead);
  return { count: queries.length, sizes, postingsRead, documents, scores };
}

/** The rankings of each query of a message, by `segments` segments. */
export function unpackedRankings(batch: RankingBatch, segments: number): SegmentRanking[][] {
  const { count, sizes, postingsRead, documents, scores } = batch;
  let next = 0;
  return perQuery(count, segments, (i) => {
    const [from, to] = [next, next + sizes[i]];
    next = to;
    return {
      documents: documents.subarray(from, to),
      scores: scores.subarray(from, to),
      postingsRead: postingsRead[i],
    };
  });
}

/** What `at` gives for each segment of each query, query by query. */
function perQuery<T>(count: number, segments: number, at: (place: number) => T): T[][] {
  return Array.from({ length: count }, (_, query) =>
    Array.from({ length: segments }, (__, segment) => at(query * segments + segment)),
  );
}

/** The buffers of a message that move to the other thread instead of being copied. */
export function buffersOf(batch: QueryBatch | RankingBatch): ArrayBuffer[] {
  return 'settings' in batch
    ? [batch.sizes.buffer, batch.arePruned.buffer, batch.numbers.buffer, batch.weights.buffer]
    : [batch.sizes.buffer, batch.postingsRead.buffer, batch.documents.buffer, batch.scores.buffer];
}

function sum(values: Uint32Array): number {
  return values.reduce((a, b) => a + b, 0);
}
