/** The thread of {@link ScanThreads}: compares queries with its share of the vectors, which all threads share. */
import { parentPort, workerData } from 'node:worker_threads';
import { sentError, type SentError } from '../sent-error.ts';
import type { Aggregation } from './aggregation.ts';
import { queryVector } from './query-vector.ts';
import { scannedQueries, VectorScan, type FoundDocuments, type VectorRows } from './vector-scan.ts';

/** What a thread searches. */
export interface SharedRows extends VectorRows {
  /** Where the first row lies. */
  readonly address: number;
  /** How many rows a document has at most. */
  readonly longest: number;
}

/** What a thread is asked: the best of the documents from `first` up to, but without, `end`. */
export interface ScanRequest {
  readonly queries: readonly Float32Array[];
  readonly k: number;
  readonly aggregation: Aggregation;
  /** Documents that must not appear, ascending. */
  readonly excluded: Uint32Array;
  readonly first: number;
  readonly end: number;
}

/** What it answers: what it found for each query, and how many cosines that took, or why it could not. */
export type ScanOutcome =
  { readonly found: readonly FoundDocuments[]; readonly cosines: number } | { readonly error: SentError };

const rows = workerData as SharedRows;
/** Made for the first request: where there is no memory for it, that has the error. */
let scan: VectorScan | undefined;

function outcomeOf({ queries, k, aggregation, excluded, first, end }: ScanRequest): ScanOutcome {
  scan ??= new VectorScan(rows, rows.longest);
  const without = new Set(excluded);
  const isAdmitted = without.size === 0 ? undefined : (document: number): boolean => !without.has(document);
  const before = scan.cosines;
  const address = rows.address + rows.rowOffsets[first] * rows.layout.bytes;
  const found: FoundDocuments[] = [];
  for (let from = 0; from < queries.length; from += scannedQueries) {
    const prepared = queries
      .slice(from, from + scannedQueries)
      .map((query) => queryVector(query, rows.layout));
    found.push(...scan.best({ queries: prepared, k, aggregation, isAdmitted }, first, end, address));
  }
  return { found, cosines: scan.cosines - before };
}

parentPort!.on('message', (request: ScanRequest) => {
  let outcome: ScanOutcome;
  try {
    outcome = outcomeOf(request);
  } catch (error) {
    outcome = { error: sentError(error) };
  }
  parentPort!.postMessage(outcome);
});
