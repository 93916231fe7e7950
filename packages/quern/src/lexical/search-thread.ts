/** The thread of {@link SearchThreads}: answers batches of queries from the segments that it shares with all others. */
import { parentPort, workerData } from 'node:worker_threads';
import { rankSegments, type IndexQuery } from './index-query.ts';
import type { SearchColumns } from './search-columns.ts';
import { SegmentSearch } from './segment-search.ts';

const searches = (workerData as readonly SearchColumns[]).map((columns) => new SegmentSearch(columns));

parentPort?.on('message', (queries: readonly IndexQuery[]) => {
  parentPort?.postMessage(queries.map((query) => rankSegments(searches, query)));
});
