/** The thread of {@link SearchThreads}: answers batches of queries from the segments that it shares with all others. */
import { parentPort, workerData } from 'node:worker_threads';
import { QuernError } from '../errors.ts';
import { rankSegments, type IndexQuery } from './index-query.ts';
import type { SearchColumns } from './search-columns.ts';
import { SegmentSearch, type SegmentRanking } from './segment-search.ts';

const searches = (workerData as readonly SearchColumns[]).map((columns) => new SegmentSearch(columns));

/** What a thread answers: the rankings of each query of a batch, or why it has none. */
export type ThreadOutcome =
  { readonly rankings: SegmentRanking[][] } | { readonly message: string; readonly hint: string | undefined };

function outcomeOf(queries: readonly IndexQuery[]): ThreadOutcome {
  try {
    return { rankings: queries.map((query) => rankSegments(searches, query)) };
  } catch (error) {
    const { message } = error as Error;
    return { message, hint: error instanceof QuernError ? error.hint : undefined };
  }
}

parentPort?.on('message', (queries: readonly IndexQuery[]) => parentPort?.postMessage(outcomeOf(queries)));
