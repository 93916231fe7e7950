/** The thread of {@link SearchThreads}: answers batches of queries from the segments that it shares with all others. */
import { parentPort, workerData } from 'node:worker_threads';
import { QuernError } from '../errors.ts';
import { rankSegments } from './index-query.ts';
import {
  buffersOf,
  packedRankings,
  unpackedQueries,
  type QueryBatch,
  type RankingBatch,
} from './query-batch.ts';
import type { SearchColumns } from './search-columns.ts';
import { SegmentSearch } from './segment-search.ts';

const searches = (workerData as readonly SearchColumns[]).map((columns) => new SegmentSearch(columns));

/** What a thread answers: the rankings of each query of a batch, or why it has none. */
export type ThreadOutcome =
  { readonly rankings: RankingBatch } | { readonly message: string; readonly hint: string | undefined };

parentPort?.on('message', (batch: QueryBatch) => {
  try {
    const queries = unpackedQueries(batch);
    const rankings = packedRankings(queries.map((tasks) => rankSegments(searches, tasks, batch.settings)));
    parentPort?.postMessage({ rankings } satisfies ThreadOutcome, buffersOf(rankings));
  } catch (error) {
    const { message } = error as Error;
    const hint = error instanceof QuernError ? error.hint : undefined;
    parentPort?.postMessage({ message, hint } satisfies ThreadOutcome);
  }
});
