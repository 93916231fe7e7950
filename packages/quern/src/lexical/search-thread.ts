/** The thread of {@link SearchThreads}: answers batches of queries from the segments that it shares with all others. */
import { parentPort, workerData } from 'node:worker_threads';
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
import { sentError, type SentError } from '../sent-error.ts';

/** What a thread answers: the rankings of each query of a batch, or why it has none. */
export type ThreadOutcome = { readonly rankings: RankingBatch } | { readonly error: SentError };

/** Made for the first batch: where there is no memory for them, that batch has the error. */
let searches: readonly SegmentSearch[] | undefined;

function rankingsOf(batch: QueryBatch): RankingBatch {
  const made = (searches ??= (workerData as readonly SearchColumns[]).map(
    (columns) => new SegmentSearch(columns),
  ));
  return packedRankings(unpackedQueries(batch).map((tasks) => rankSegments(made, tasks, batch.settings)));
}

parentPort!.on('message', (batch: QueryBatch) => {
  try {
    const rankings = rankingsOf(batch);
    parentPort!.postMessage({ rankings } satisfies ThreadOutcome, buffersOf(rankings));
  } catch (error) {
    parentPort!.postMessage({ error: sentError(error) } satisfies ThreadOutcome);
  }
});
